"""The page as people use it: a real browser, the real service, real ranges, and a service that is killed meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import GOING, chromium, opened
from tests.e2e.terminal import Terminal, ended, wait_for_line

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.timeout(240)]

UP = 90_000
"""Milliseconds a range may take on a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def served(operator: Terminal, listen: str = "127.0.0.1:0") -> tuple[subprocess.Popen[str], str, str]:
    """A service that answers: the process, its address, what it said."""
    process = operator.start("serve", "--listen", listen)
    heard = wait_for_line(process, "Application startup complete")
    return process, next(word for word in heard.split() if word.startswith("http://")), heard


def launch(page: Page) -> None:
    """The first range, by the form, after a dry run."""
    page.get_by_role("button", name="Launch the first one").click()
    box = page.get_by_role("dialog", name="Launch a range")
    box.get_by_label("Topology", exact=True).select_option("pair")
    box.get_by_label("Name").fill("seen-live")
    box.get_by_role("button", name="Dry run").click()
    expect(box).to_contain_text("It would take")
    box.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_role("heading", name="seen-live")).to_be_visible()


def test_a_range_from_launch_to_end_through_a_killed_service(terminal: Terminal, browser: Browser) -> None:
    operator = replace(terminal, extra={"JOINTRANGE_DATA": str(terminal.folder / "data")})
    process, url, heard = served(operator)
    token = next(word for word in heard.split() if word.startswith("jr_"))
    lost = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
    with opened(browser, url, forgiven=(*lost, GOING)) as seen:
        page = seen.page
        seen.sign_in(token)
        expect(page.get_by_text("No ranges yet")).to_be_visible()

        launch(page)
        one = page.locator("[data-node=one]")
        expect(one).to_have_attribute("data-state", "ready", timeout=UP)
        expect(page.locator("main .badge").first).to_contain_text("up", timeout=UP)

        one.click()
        page.get_by_role("button", name="Open console").click()
        expect(page.locator(".console")).to_contain_text("connected")
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.type("tput setaf 9; echo $((6 * 7))-from-$(hostname)\n")
        expect(page.locator(".xterm-rows")).to_contain_text("42-from-one")

        page.get_by_role("button", name="Cut one eth0").click()
        expect(one).to_contain_text("eth0 cut")
        expect(page.get_by_role("list", name="What happened")).to_contain_text("one eth0 is cut")
        page.get_by_role("button", name="Restore one eth0").click()
        expect(one).not_to_contain_text("cut")

        process.send_signal(signal.SIGKILL)
        ended(process)
        expect(page.locator(".line")).to_have_attribute("data-state", "waiting")
        expect(page.locator(".console")).to_contain_text("ended")
        process, _, _ = served(operator, url.removeprefix("http://"))
        expect(page.locator(".line")).to_have_attribute("data-state", "live", timeout=UP)
        page.get_by_role("button", name="Cut one eth0").click()
        expect(one).to_contain_text("eth0 cut")
        told = page.get_by_role("list", name="What happened").locator("li")
        expect(told.filter(has_text="one eth0 is cut")).to_have_count(2)
        expect(told.filter(has_text=re.compile("Range is up"))).to_have_count(1)

        page.get_by_role("button", name="Destroy").click()
        page.get_by_role("dialog").get_by_role("button", name="Destroy").click()
        expect(page.locator("main .badge").first).to_contain_text("gone", timeout=UP)
        seen.go("audit")
        page.get_by_role("button", name="Verify the chain").click()
        expect(page.locator("main")).to_contain_text("The chain holds")
    process.send_signal(signal.SIGTERM)
    code, rest = ended(process)
    assert code == 0, rest
