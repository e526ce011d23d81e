"""Runs on the page: one is started, watched while it goes on, and its report is read, in the page's own colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser import Seen, opened
from tests.serving import Served, serving
from tests.unit.service.campaigning import an_upload, working

DARK = "rgb(20, 24, 30)"
LIGHT = "rgb(251, 250, 247)"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("runs"), answer=working) as made:
        uploaded = made.client().post("/v1/campaigns", json=an_upload().model_dump())
        assert uploaded.status_code == 201, uploaded.text
        yield made


@pytest.fixture(scope="module")
def run(served: Served) -> dict[str, Any]:
    """A run that is decided."""
    admin = served.client()
    made = admin.post("/v1/runs", json={"campaign": "tiny", "trials": 1, "fresh": True}).json()

    def ended() -> dict[str, Any] | None:
        view: dict[str, Any] = admin.get(f"/v1/runs/{made['id']}").json()
        return view if view["ended"] else None

    found: dict[str, Any] = served.eventually(ended, patience=60)
    return found


def report(page: Page) -> Frame:
    """The frame with the report in it."""
    expect(page.frame_locator("iframe.report").get_by_role("heading", level=1)).to_be_visible()
    return page.frames[-1]


def paper(frame: Frame, colour: str) -> None:
    frame.wait_for_function("colour => getComputedStyle(document.body).backgroundColor === colour", arg=colour)


def test_a_run_is_started_watched_and_read(served: Served, browser: Browser) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        page = seen.page
        seen.go("runs")
        expect(page.locator("h1")).to_have_text("Runs")
        page.keyboard.press("n")
        box = page.get_by_role("dialog", name="Start a run")
        box.get_by_label("Campaign").select_option("tiny")
        box.get_by_label("Trials of each arm").fill("1")
        box.get_by_label("Run the control trials anew").check()
        box.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("h1")).to_have_text("tiny")
        told = page.get_by_role("list", name="What happened")
        expect(told).to_contain_text(re.compile(r"1/1 A"))
        expect(page.get_by_role("region", name="Decision")).to_contain_text("Not enough evidence", timeout=60_000)
        expect(page.locator("main .badge").first).to_contain_text("done")
        expect(page.locator(".matrix")).to_contain_text("effective")
        expect(page.get_by_role("button", name="report.html")).to_be_visible()
        assert "Not enough evidence" in report(page).locator("body").inner_text()
        with page.expect_download() as got:
            page.get_by_role("button", name="Download bundle").click()
        assert got.value.suggested_filename.endswith(".tar")
        again = page.get_by_role("button", name="Judge anew")
        again.press("Enter")
        expect(page.locator("main")).to_contain_text("Judged anew: the same")
        expect(again).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_report_has_the_colours_of_the_page(
    served: Served, browser: Browser, run: dict[str, Any], theme: Any
) -> None:
    with opened(browser, served.address, theme=theme) as seen:
        seen.sign_in(served.token())
        seen.page.keyboard.press("d")  # against the system
        seen.go(f"runs/{run['id']}")
        frame = report(seen.page)
        paper(frame, LIGHT if theme == "dark" else DARK)
        seen.page.keyboard.press("d")
        paper(frame, DARK if theme == "dark" else LIGHT)


@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 390)])
def test_a_run_can_be_read(served: Served, browser: Browser, run: dict[str, Any], theme: Any, width: int) -> None:
    with opened(browser, served.address, theme=theme, width=width) as seen:
        seen.sign_in(served.token())
        shown(seen, run)
        assert seen.worst_contrast() >= 4.5
        seen.page.keyboard.press("l")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def shown(seen: Seen, run: dict[str, Any]) -> None:
    seen.go(f"runs/{run['id']}")
    expect(seen.page.locator(".matrix")).to_be_visible()
    report(seen.page)


def test_what_became_of_a_step_is_told_by_its_effect(served: Served, browser: Browser) -> None:
    with opened(browser, served.address) as seen:
        seen.page.goto(f"{served.address}/")
        signs = seen.page.evaluate("""async () => {
          const { Lanes } = await import("/ui/lanes.js"), lanes = new Lanes();
          for (const outcome of ["achieved", "absent", "unknown"])
            lanes.take({ type: "run.action", data: { range: "r", step: "s", outcome } });
          return [...lanes.element.querySelectorAll(".marks span")].map((one) => one.textContent);
        }""")
        assert signs == ["✓", "✕", "?"]
