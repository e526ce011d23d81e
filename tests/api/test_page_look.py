"""How the page looks, as far as it can be measured: type on a projector, narrow windows, contrast, colours."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Seen, opened
from tests.serving import Served

PLACES = ("ranges", "runs", "pools", "access", "audit")
MANY = (
    "schema: jointrange.topology/1\nname: many\nnetworks:\n  lan: {cidr: 10.0.0.0/24}\n"
    "defaults: {image: jointrange/base}\nnodes:\n" + "".join(f"  n{i}: {{networks: [lan]}}\n" for i in range(40))
)
FIREWALL = """\
schema: jointrange.topology/1
name: walled
networks: {wan: {cidr: 203.0.113.0/24}, dmz: {cidr: 10.0.1.0/24}, lan: {cidr: 10.0.2.0/24}}
defaults: {image: jointrange/base}
nodes:
  fw: {kind: router, networks: [wan, dmz, lan]}
  customer: {networks: [wan]}
  web: {networks: [dmz]}
  files: {networks: [dmz]}
  pc: {networks: [lan]}
"""
LETTERS = """() => {
  const text = document.querySelector(".picture .jr-mono"), drawing = text.closest("svg");
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  return parseFloat(getComputedStyle(text).fontSize) * scale;
}"""
"""Pixels of the smallest letters of the drawing."""


@pytest.fixture(scope="module")
def row(served: Served, admin: httpx.Client) -> dict[str, Any]:
    made = of_file(served, admin, FIREWALL, "shown")
    links = admin.get(f"/v1/ranges/{made['id']}/links").json()["items"]
    for link, change in zip(links, ({"up": False}, {"up": True, "impair": {"rate": "1mbit"}}), strict=False):
        end = f"/v1/ranges/{made['id']}/links/{link['node']}/{link['interface']}"
        assert admin.put(end, json=change).status_code == 200
    said = {"node": links[0]["node"], "tool": "suricata", "title": "SQL injection", "severity": "high", "rule": "1"}
    with served.service.store.writing() as rows:
        rows.tell("", f"range/{made['id']}", "range.alert", {**said, "source": "10.0.0.1", "target": ""})
    return made


def of_file(served: Served, admin: httpx.Client, text: str, name: str) -> dict[str, Any]:
    """A range of this topology."""
    upload = {"main": "t.yaml", "files": [{"path": "t.yaml", "text": text}]}
    answer = admin.post("/v1/ranges", json={"upload": upload, "name": name})
    assert answer.status_code == 202, answer.text
    return served.until(admin, answer.json()["id"], "up")


def drawn(seen: Seen, row: dict[str, Any]) -> None:
    """Its page, with everything that is drawn on it."""
    seen.go(f"ranges/{row['id']}")
    expect(seen.page.locator("h1")).to_have_text(str(row["name"]))
    expect(seen.page.locator("[data-node]").first).to_have_attribute("data-state", "ready")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_of_a_range_and_of_its_drawing_can_be_read(
    served: Served, browser: Browser, row: dict[str, Any], theme: Any
) -> None:
    with opened(browser, served.address, theme=theme) as seen:
        seen.sign_in(served.token())
        drawn(seen, row)
        expect(seen.page.locator(".picture .pill", has_text="▲ 1")).to_be_visible()
        expect(seen.page.locator(".picture .pill", has_text="cut").first).to_be_visible()
        assert seen.worst_contrast() >= 4.5
        seen.page.locator("[data-node=fw]").click()
        seen.page.get_by_role("button", name="Impair fw", exact=False).first.click()
        expect(seen.page.get_by_role("dialog")).to_be_visible()
        assert seen.worst_contrast("dialog") >= 4.5
        seen.page.keyboard.press("Escape")
        seen.go("ranges")
        expect(seen.page.locator("h1")).to_have_text("Ranges")
        seen.page.keyboard.press("n")
        expect(seen.page.locator("dialog .preview svg")).to_be_visible()
        assert seen.worst_contrast("dialog") >= 4.5


@pytest.mark.parametrize("width", [390, 1024, 1400, 1920])
def test_large_type_fits_every_place(served: Served, browser: Browser, row: dict[str, Any], width: int) -> None:
    with opened(browser, served.address, width=width) as seen:
        seen.sign_in(served.token())
        seen.page.keyboard.press("l")
        for place in PLACES:
            seen.go(place)
            expect(seen.page.locator("h1")).to_have_text(place.capitalize())
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, place
        drawn(seen, row)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        bar = seen.page.locator(".bar > div > *:visible")
        rows = {round((box["y"] + box["height"] / 2) / 20) for box in (one.bounding_box() for one in bar.all()) if box}
        assert len(rows) <= 2, "the bar is one row, or the places are a row of their own"


def test_the_drawing_grows_with_the_type(served: Served, browser: Browser, row: dict[str, Any]) -> None:
    with opened(browser, served.address, width=1920) as seen:
        seen.sign_in(served.token())
        drawn(seen, row)
        normal = seen.page.evaluate(LETTERS)
        seen.page.keyboard.press("l")
        assert seen.page.evaluate(LETTERS) >= max(14.0, 1.3 * normal)
        network, node = (seen.page.locator(one).bounding_box() for one in (".network", ".node"))
        assert network
        assert node
        assert network["width"] > 1500, "the network has the whole width"
        assert node["y"] > network["y"] + network["height"]


def test_a_drawing_scrolls_before_it_is_too_small_and_says_so(
    served: Served, browser: Browser, row: dict[str, Any]
) -> None:
    with opened(browser, served.address, width=390) as seen:
        seen.sign_in(served.token())
        drawn(seen, row)
        assert seen.page.evaluate(LETTERS) >= 9.5
        hint = seen.page.locator(".network .sideways")
        expect(hint).to_have_text("scroll →")
        seen.page.locator(".picture").evaluate("place => { place.scrollLeft = place.scrollWidth; }")
        expect(hint).to_have_text("← scroll")


def test_one_of_many_nodes_is_found_and_stays_in_view(served: Served, browser: Browser, admin: httpx.Client) -> None:
    row = of_file(served, admin, MANY, "many")
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        drawn(seen, row)
        panel = seen.page.get_by_role("region", name="Node")
        panel.get_by_label("Search nodes").fill("n37")
        expect(panel.get_by_role("button")).to_have_count(1)
        seen.page.mouse.wheel(0, 400)
        panel.get_by_role("button", name="n37").click()
        expect(panel.get_by_role("heading", name="n37")).to_be_in_viewport()


def test_a_chosen_theme_survives_a_change_of_the_systems(served: Served, browser: Browser) -> None:
    theme = "document.documentElement.dataset.theme"
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        seen.page.emulate_media(color_scheme="dark")
        seen.page.wait_for_function(f"{theme} === 'dark'")
        seen.page.keyboard.press("d")
        assert seen.page.evaluate(theme) == "light"
        seen.page.evaluate("""() => {
          window.changes = 0;
          matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { changes += 1; });
        }""")
        for number, system in enumerate(("light", "dark"), 1):
            seen.page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
            seen.page.wait_for_function("number => window.changes >= number", arg=number)
        assert seen.page.evaluate(theme) == "light"
