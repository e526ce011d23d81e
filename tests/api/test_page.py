"""The page's files and the policy they come with; then the page itself, in a real browser over a pretended engine."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from api.routes.page import FOLDER, assets, policy, public
from range.service.issuers import Issuer
from tests.browser import GOING, opened
from tests.serving import Served

NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}


def raw(served: Served, path: str) -> tuple[int, bytes]:
    """A path exactly as it is written."""
    where = urlsplit(served.address)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    line.putrequest("GET", path, skip_accept_encoding=True)
    line.endheaders()
    answer = line.getresponse()
    body = answer.read()
    line.close()
    return answer.status, body


# --- files --------------------------------------------------------------------------------------------------------


def test_every_file_comes_with_its_type_and_the_policy(served: Served) -> None:
    found = assets()
    assert {"index.html", "app.js", "base.css", "vendor/xterm.mjs", "vendor/LICENSE.xterm"} <= set(found)
    stranger = served.stranger()
    for name, asset in found.items():
        answer = stranger.get(f"/ui/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, asset.type)
        assert answer.content == asset.content
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-frame-options"] == ("SAMEORIGIN" if name.startswith("frame.") else "DENY")
        again = stranger.get(f"/ui/{name}", headers={"If-None-Match": f'"x", {asset.etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", asset.etag)
    assert stranger.get("/").text == found["index.html"].content.decode()
    assert stranger.head("/").status_code in (200, 405)


def test_the_policy_allows_nothing_from_elsewhere(served: Served) -> None:
    said = served.stranger().get("/").headers["content-security-policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in said.split(";")}
    host = urlsplit(served.address).netloc
    assert rules["default-src"] == ["'self'"]
    assert rules["connect-src"] == ["'self'", f"ws://{host}", f"wss://{host}"]
    assert rules["object-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in said
    assert "*" not in said


def test_the_frame_of_reports_reaches_nothing(served: Served) -> None:
    said = served.stranger().get("/ui/frame.html").headers["content-security-policy"]
    assert said.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in said
    assert "connect-src" not in said


@pytest.mark.parametrize(
    "path",
    [
        "/ui/", "/ui/nothing.js", "/ui/../app.py", "/ui/%2e%2e/app.py", "/ui/..%2fapp.py",
        "/ui/%2e%2e%2f%2e%2e%2fREADME.md",
        "/ui//etc/passwd", "/ui/%2fetc%2fpasswd", "/ui/vendor", "/ui/vendor/", "/ui/./index.html",
        "/ui/index.html%00.js", "/ui/..\\app.py", "/ui/pages/..%5c..%5capp.py", "/ui/INDEX.HTML", "/ui/" + "a" * 5000,
    ],
)  # fmt: skip
def test_paths_lead_nowhere_else(served: Served, path: str) -> None:
    status, body = raw(served, path)
    assert status in (400, 404, 405, 414), body[:200]
    assert b"root:" not in body
    assert b"import" not in body


def test_a_strange_host_does_not_get_into_the_policy(served: Served) -> None:
    answer = served.stranger().get("/", headers={"Host": "a.example; script-src *"})
    assert "script-src" not in answer.headers.get("content-security-policy", "")


def test_nothing_of_the_page_is_inline_or_elsewhere() -> None:
    for name, asset in assets().items():
        text = asset.content.decode()
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|\bstyle=|javascript:", text), name
        if not name.startswith("vendor/"):
            urls = set(re.findall(r"https?://[^\s\"'`)<>]+", text)) - NAMESPACES
            assert {url for url in urls if "${" not in url and "example" not in url} == set(), name
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", text), name
    assert all(path.suffix not in (".map", ".ts") for path in FOLDER.rglob("*"))


# --- signing in ---------------------------------------------------------------------------------------------------

ISSUER = Issuer(
    issuer="https://login.example/realm", audience="jointrange", roles={"staff": "viewer"}, org="blue",
    client_id="page", name="Example", origins="https://tokens.example",
)  # fmt: skip


def test_only_what_is_public_of_an_issuer_is_told(served: Served) -> None:
    assert served.stranger().get("/v1/sign-in").json() == {"issuers": []}
    view = public(ISSUER).model_dump()
    assert view == {
        "name": "Example", "issuer": ISSUER.issuer, "client_id": "page",
        "scope": "openid profile", "use": "access_token",
    }  # fmt: skip
    said = policy([ISSUER], "")
    assert "connect-src 'self' https://login.example https://tokens.example;" in said
    with pytest.raises(ValueError, match="without a path"):
        Issuer(issuer="https://a.example", audience="x", roles={"a": "viewer"}, origins="https://b.example/path")


# --- in a browser -------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_told_and_a_good_one_let_in(served: Served, browser: Browser) -> None:
    with opened(browser, served.address, forgiven=("status of 401",)) as seen:
        seen.page.goto(f"{served.address}/")
        seen.page.get_by_label("API token").fill("jr_wrong")
        seen.page.keyboard.press("Enter")
        expect(seen.page.get_by_role("alert").first).to_contain_text("does not know who is asking")
        seen.sign_in(served.token())
        expect(seen.page.get_by_role("heading", name="Ranges", exact=True)).to_be_visible()
        expect(seen.page.locator(".line")).to_have_attribute("data-state", "live")
        seen.page.get_by_role("button", name="Sign out").click()
        expect(seen.page.get_by_label("API token")).to_be_visible()
        assert seen.page.evaluate("sessionStorage.length") == 0


def test_a_revoked_token_leads_back_to_the_sign_in(served: Served, browser: Browser, admin: httpx.Client) -> None:
    made = admin.post("/v1/tokens", json={"name": "short", "role": "viewer", "lease": "1h"}).json()
    with opened(browser, served.address, forgiven=("status of 401",)) as seen:
        seen.sign_in(made["token"])
        assert admin.delete(f"/v1/tokens/{made['id']}").status_code in (200, 204)
        seen.go("runs")
        expect(seen.page.get_by_label("API token")).to_be_visible()
        expect(seen.page.get_by_role("alert").first).to_contain_text("revoked")


def test_a_range_by_keyboard_alone(served: Served, browser: Browser, admin: httpx.Client) -> None:
    with opened(browser, served.address, forgiven=(GOING,)) as seen:
        page = seen.page
        page.goto(f"{served.address}/")
        page.keyboard.type(served.token())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Ranges", exact=True)).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("n")
        box = page.get_by_role("dialog", name="Launch a range")
        expect(box.get_by_label("Topology", exact=True)).to_be_focused()
        page.keyboard.type("pair")
        for _ in range(60):
            assert page.evaluate("document.activeElement.closest('dialog') !== null"), "the focus left the dialog"
            if page.evaluate("document.activeElement.textContent") == "Launch":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("main .badge").first).to_contain_text("up")
        name = page.locator("h1").inner_text()
        for _ in range(40):
            if page.evaluate("document.activeElement.dataset?.node") == "one":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        panel = page.get_by_role("region", name="Node")
        expect(panel.get_by_role("heading", name="one")).to_be_visible()
        panel.get_by_role("button", name="Open console").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".console")).to_contain_text("connected")
        page.keyboard.type("echo typed-here\n")
        expect(page.locator(".xterm-rows")).to_contain_text("typed-heretyped-here")
        page.keyboard.press("Control+Shift+.")
        expect(page.get_by_role("button", name="Close console")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".console")).to_have_count(0)
        page.get_by_role("button", name="Destroy").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name=f"Destroy {name}?")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.locator("main .badge").first).to_contain_text("gone")


def test_alerts_and_cables_are_seen_as_they_come(served: Served, browser: Browser, admin: httpx.Client) -> None:
    row = served.launched(admin, name="alarmed")
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token("operator"))
        seen.go(f"ranges/{row['id']}")
        node = seen.page.locator("[data-node=one]")
        expect(node).to_have_attribute("data-state", "ready")
        said = {"node": "one", "tool": "suricata", "title": "<b>SQL injection</b>", "severity": "high"}
        with served.service.store.writing() as rows:
            rows.tell(
                "", f"range/{row['id']}", "range.alert", {**said, "source": "10.0.0.1", "target": "", "rule": "1"}
            )
        expect(seen.page.get_by_role("list", name="Alerts")).to_contain_text("<b>SQL injection</b>")
        expect(node).to_have_attribute("aria-label", re.compile("1 alerts"))
        end = f"/v1/ranges/{row['id']}/links/one/eth0"
        assert admin.put(end, json={"up": False}).status_code == 200
        expect(node).to_contain_text("eth0 cut")
        assert admin.put(end, json={"up": True, "impair": {"rate": "1mbit"}}).status_code == 200
        expect(node).to_contain_text("1mbit")
        assert admin.put(end, json={"up": True}).status_code == 200
        expect(node).not_to_contain_text("mbit")
    admin.delete(f"/v1/ranges/{row['id']}")


def test_a_range_that_goes_between_two_questions_is_shown_as_gone(
    served: Served, browser: Browser, admin: httpx.Client
) -> None:
    row = served.launched(admin, name="going")

    def late(route: Route) -> None:
        assert admin.delete(f"/v1/ranges/{row['id']}").status_code == 202
        served.until(admin, row["id"], "gone")
        route.continue_()

    with opened(browser, served.address, forgiven=(GOING,)) as seen:
        seen.sign_in(served.token())
        seen.page.route("**/links", late, times=1)
        seen.go(f"ranges/{row['id']}")
        expect(seen.page.locator("main .badge").first).to_contain_text("gone")
        expect(seen.page.get_by_role("button", name="Destroy")).to_be_disabled()
        expect(seen.page.get_by_role("alert")).to_have_text("")
        assert any(re.search(GOING, one) for one in seen.complaints)


def test_a_late_answer_never_paints_over_a_newer_one(served: Served, browser: Browser, admin: httpx.Client) -> None:
    row = served.launched(admin, name="late")
    path = f"/v1/ranges/{row['id']}"
    asked_meanwhile: list[list[str]] = []

    def late(route: Route) -> None:
        before, answer = len(seen.asked), route.fetch()
        assert answer.json()["status"] == "up"
        assert admin.delete(path).status_code == 202
        served.until(admin, row["id"], "gone")
        expect(told).to_contain_text("Range is gone")
        seen.page.clock.run_for(1000)
        seen.page.evaluate("fetch('/healthz').then((answer) => answer.status)")  # what was asked before it is known now
        asked_meanwhile.append([url for url in seen.asked[before:] if url.endswith(path)])
        route.fulfill(response=answer)

    with opened(browser, served.address, forgiven=(GOING,)) as seen:
        seen.page.clock.install()
        seen.sign_in(served.token())
        seen.go(f"ranges/{row['id']}")
        told = seen.page.get_by_role("list", name="What happened")
        expect(told).to_contain_text("Range is up")
        expect(seen.page.locator("main .badge").first).to_contain_text("up")
        seen.page.clock.run_for(1000)
        seen.page.route(f"**{path}", late, times=1)
        assert admin.put(f"{path}/links/one/eth0", json={"up": False}).status_code == 200
        expect(told).to_contain_text("Range is gone")
        expect(seen.page.locator("main .badge").first).to_contain_text("gone")
        assert asked_meanwhile == [[]], "the page asked again while an answer was on its way"


def test_who_may_not_finds_it_shut(served: Served, browser: Browser, admin: httpx.Client) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token("viewer"))
        expect(seen.page.get_by_role("button", name="Launch a range").first).to_be_disabled()
        expect(seen.page.get_by_role("link", name="Audit")).to_have_count(0)
        seen.page.keyboard.press("n")
        expect(seen.page.get_by_role("dialog")).to_have_count(0)


def test_faults_are_shown_where_they_are(served: Served, browser: Browser) -> None:
    with opened(browser, served.address, forgiven=("status of 422",)) as seen:
        seen.sign_in(served.token())
        seen.page.keyboard.press("n")
        box = seen.page.get_by_role("dialog")
        box.get_by_label("Topology", exact=True).select_option(label="A file of my own …")
        box.get_by_label("Or its text").fill("schema: jointrange.topology/1\nname: x\nnetwerks: {}\n")
        box.get_by_role("button", name="Launch", exact=True).click()
        expect(box.get_by_role("alert")).to_contain_text("topology.yaml:3:1")
        expect(box.get_by_role("alert")).to_contain_text("networks")


SPANS = {
    0: "0 s", 0.5: "0.5 s", 9.97: "10 s", 12.4: "12 s", 59.7: "1 min", 61: "1 min", 3570: "1 h", 3660: "1 h 1 min",
    28_799: "8 h", 86_399: "1 d", 86_400 + 3_599: "1 d 1 h", 3 * 86_400: "3 d", 730 * 86_400: "2 years",
}  # fmt: skip


def test_spans_of_time_are_rounded_as_a_person_would(served: Served, browser: Browser) -> None:
    with opened(browser, served.address) as seen:
        seen.page.goto(f"{served.address}/")
        said = seen.page.evaluate(
            "seconds => import('/ui/words.js').then((words) => seconds.map(words.span))", list(SPANS)
        )
        assert dict(zip(SPANS, said, strict=True)) == SPANS


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_place_fits_a_narrow_window(served: Served, browser: Browser, theme: str) -> None:
    with opened(browser, served.address, width=390, theme=theme) as seen:  # type: ignore[arg-type]
        seen.sign_in(served.token())
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
        for place in ("ranges", "runs", "pools", "access", "audit"):
            seen.go(place)
            expect(seen.page.locator("h1")).to_have_text(place.capitalize())
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert seen.worst_contrast() >= 4.5, f"{place} in {theme}"
        seen.page.keyboard.press("l")
        assert seen.page.evaluate("document.documentElement.dataset.size") == "large"
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
