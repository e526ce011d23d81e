"""The page while things happen: many alerts at once, many pages, lost streams, words that grow old."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from range.testing.supplies import MemoryTerminals
from tests.browser import Seen, opened
from tests.serving import Served

FRAMES = """() => {
  window.most = 0;
  const add = Element.prototype.prepend;
  Element.prototype.prepend = function (...many) {
    window.most = Math.max(window.most, many.length);
    add.apply(this, many);
  };
}"""
"""From now on `most` is the largest number of elements that were put into a list at once."""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def row(served: Served, admin: httpx.Client) -> dict[str, Any]:
    return served.launched(admin, name="lively", warm=False)


def tell(served: Served, row: dict[str, Any], what: str, *data: dict[str, Any]) -> None:
    """Events about a range."""
    with served.service.store.writing() as rows:
        for one in data:
            rows.tell("", f"range/{row['id']}", what, one)


def alert(number: int) -> dict[str, Any]:
    said = {"node": "one", "tool": "suricata", "title": f"Alert {number}", "severity": "high"}
    return {**said, "source": "10.0.0.1", "target": "", "rule": "1"}


def look_at(seen: Seen, row: dict[str, Any]) -> Page:
    """The page of a range, alive."""
    seen.go(f"ranges/{row['id']}")
    expect(seen.page.locator("[data-node=one]")).to_have_attribute("data-state", "ready")
    expect(seen.page.locator(".line")).to_have_attribute("data-state", "live")
    return seen.page


def test_thousands_of_alerts_do_not_freeze_it(served: Served, browser: Browser, admin: httpx.Client) -> None:
    row = served.launched(admin, name="flooded", warm=False)
    tell(served, row, "range.alert", *map(alert, range(3000)))
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        seen.page.evaluate(FRAMES)
        paints = (
            "() => import('/ui/topology.js').then(({Live}) => { const was = Live.prototype.paint; window.paints = 0;"
        )
        seen.page.evaluate(f"{paints} Live.prototype.paint = function (...a) {{ paints += 1; was.apply(this, a) }} }})")
        page = look_at(seen, row)
        expect(page.locator(".alerts .soft")).to_have_text("3000")
        expect(page.get_by_role("list", name="Alerts").locator("li")).to_have_count(400)
        expect(page.get_by_role("list", name="Alerts").locator("li").first).to_contain_text("Alert 2999")
        expect(page.locator("[data-node=one]")).to_have_attribute("aria-label", re.compile("3000 alerts"))
        assert page.evaluate("window.most") <= 400
        assert page.evaluate("window.paints") < 600


def test_eight_pages_are_alive_since_seven_are_hidden(served: Served, browser: Browser) -> None:
    context = browser.new_context()
    context.set_default_timeout(20_000)
    token = served.token()
    pages: list[Page] = []
    try:
        for _ in range(8):
            page = context.new_page()
            page.goto(f"{served.address}/")
            page.get_by_label("API token").fill(token)
            page.get_by_role("button", name="Sign in").click()
            expect(page.locator(".line")).to_have_attribute("data-state", "live")
            page.evaluate(HIDE, True)  # as the next one is chosen
            pages.append(page)
        served.launched(served.client(), name="seen-later", warm=False)
        expect(pages[0].get_by_role("link", name="seen-later")).to_have_count(0)
        pages[0].evaluate(HIDE, False)
        expect(pages[0].get_by_role("link", name="seen-later")).to_be_visible()
    finally:
        context.close()


def test_a_hidden_page_goes_on_from_the_last_event(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        page = look_at(seen, row)
        tell(served, row, "range.alert", alert(1))
        said = page.get_by_role("list", name="Alerts").locator("li")
        expect(said).to_have_count(1)
        with page.expect_event("requestfailed", lambda one: one.url.endswith("/events")):
            page.evaluate(HIDE, True)
        tell(served, row, "range.alert", alert(2))
        page.evaluate(HIDE, False)
        expect(said).to_have_count(2)
        expect(said.first).to_contain_text("Alert 2")


def test_what_happens_between_a_list_and_its_stream_is_seen(
    served: Served, browser: Browser, admin: httpx.Client
) -> None:
    def late(route: Route) -> None:
        made = admin.post("/v1/pools", json={"name": "between", "topology": "pair", "warm": 0}).json()
        served.eventually(lambda: admin.get(f"/v1/pools/{made['id']}").json()["status"] == "ready")
        route.continue_()

    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        expect(seen.page.locator(".line")).to_have_attribute("data-state", "live")
        seen.page.route("**/v1/events", late, times=1)
        seen.go("pools")
        expect(seen.page.get_by_role("rowheader", name="between")).to_be_visible(
            timeout=10_000
        )  # before it looks anyway


def test_the_focus_stays_while_things_happen(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        page = look_at(seen, row)
        page.evaluate("""() => {
          window.repaints = 0;
          const watch = new MutationObserver(() => { repaints += 1; });
          watch.observe(document.querySelector("main .steps"), { childList: true, subtree: true });
        }""")
        button = page.get_by_role("button", name="Destroy")
        button.focus()
        told = page.get_by_role("list", name="What happened")
        for number in range(3):
            with page.expect_response(lambda one: one.url.endswith(f"/v1/ranges/{row['id']}")):
                tell(served, row, "range.step", {"step": f"step {number}", "detail": ""})
            expect(told).to_contain_text(f"step {number}")
            expect(button).to_be_focused()
        button.press("Enter")
        box = page.get_by_role("dialog")
        expect(box).to_be_visible()
        with page.expect_response(lambda one: one.url.endswith(f"/v1/ranges/{row['id']}")):
            tell(served, row, "range.step", {"step": "meanwhile", "detail": ""})
        expect(told).to_contain_text("meanwhile")
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        assert page.evaluate("window.repaints") == 0, "the status was read aloud again and again"


def test_the_content_is_a_key_away(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        page = look_at(seen, row)
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        expect(page.locator("h1")).to_have_text("lively")
        assert page.url.endswith(f"#/ranges/{row['id']}")


def test_times_grow_old_while_one_looks(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.page.clock.install()
        seen.sign_in(served.token())
        shown = seen.page.locator(f"tr[data-id={row['id']}]")
        expect(shown).to_contain_text("ends in 8 h")
        seen.page.clock.fast_forward(3 * 3600_000)
        seen.page.clock.run_for(16_000)
        expect(shown).to_contain_text(re.compile("3 h (1 min )?ago"))
        expect(shown).to_contain_text(re.compile(r"ends in (5 h|4 h 59 min)"))
        said = "import('/ui/words.js').then(({away}) => away(Date.now() / 1000 - 5.4))"
        assert seen.page.evaluate(said) == "5 s ago"


def test_without_motion_an_alert_is_a_still_ring(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.page.emulate_media(reduced_motion="reduce")
        seen.sign_in(served.token())
        page = look_at(seen, row)
        ring = page.locator("[data-node=one] .ring")
        expect(ring).to_have_css("opacity", "0")
        page.clock.install()
        page.wait_for_function("began => Date.now() / 1000 > began", arg=page.evaluate("Date.now() / 1000") + 0.1)
        tell(served, row, "range.alert", alert(9))
        expect(ring).to_have_css("opacity", "1")
        page.clock.run_for(4000)
        expect(ring).to_have_css("opacity", "0")


def shells(served: Served) -> list[Any]:
    """Every terminal that was opened, closed ones too."""
    terminals = served.service.ports().terminals
    assert isinstance(terminals, MemoryTerminals)
    return list(terminals.opened)


def test_no_console_is_left_behind(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        page = look_at(seen, row)
        page.locator("[data-node=one]").click()
        button = page.get_by_role("button", name="Open console")

        def gone(route: Route) -> None:
            """The page is left while the service thinks."""
            expect(button).to_be_disabled()
            seen.go("runs")
            expect(page.locator("h1")).to_have_text("Runs")
            route.continue_()

        page.route("**/console", gone, times=1)
        with page.expect_response("**/console"):
            button.click()
        page.evaluate("fetch('/healthz').then((answer) => answer.status)")
        assert not any("/v1/consoles/" in url for url in seen.asked)
        look_at(seen, row)
        page.locator("[data-node=one]").click()
        before = len(shells(served))
        button.evaluate("button => { button.click(); button.click(); }")
        expect(page.locator(".console")).to_contain_text("connected")
        served.eventually(lambda: [one.closed for one in shells(served)[before:]] == [False])
        page.get_by_role("button", name="Close console").click()
        served.eventually(lambda: all(one.closed for one in shells(served)))
        assert len(shells(served)) == before + 1
