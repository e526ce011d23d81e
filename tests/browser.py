"""A real browser for tests of the page: headless Chromium, and what it must never do. Without one a test fails."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
GOING = r"409 \(Conflict\) at .*/links$"
"""What the browser says when a range goes between the page's question for it and the one for its cables."""
PATIENCE = 20_000
"""Milliseconds until something that should be seen never will be."""


CONTRAST = """(inside) => {
  const parts = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const over = (top, under) => under.map((one, index) => one + (top[index] - one) * (top[3] ?? 1));
  const behind = (text) => { // in a drawing: what was painted below the middle of this text, in the order of painting
    const box = text.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    let colour = ground(text.closest("svg").parentElement).slice(0, 3);
    for (const one of text.closest("svg").querySelectorAll("rect, path, circle")) {
      if (text.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) break;
      const at = one.getBoundingClientRect(), style = getComputedStyle(one);
      if (x < at.x || x > at.right || y < at.y || y > at.bottom) continue;
      if (style.fill === "none" || style.opacity === "0") continue;
      const [r, g, b, a = 1] = parts(style.fill);
      colour = over([r, g, b, a * parseFloat(style.fillOpacity)], colour);
    }
    return colour;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = 21;
  for (const element of document.querySelectorAll(`${inside} *`)) {
    const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!own || element.closest("svg title, svg style, :disabled, .unseen, noscript, .skip")) continue;
    if (!element.getClientRects().length) continue;
    const drawn = element instanceof SVGElement;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 1) continue;
    const [ink, paper] = drawn ? [parts(style.fill), behind(element)] : [parts(style.color), ground(element)];
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    worst = Math.min(worst, (a + 0.05) / (b + 0.05));
  }
  return worst;
}"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for several tests."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: script/bootstrap installs it", pytrace=False)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """One open page, and what its browser had to complain about or asked of anybody."""

    page: Page
    address: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    friends: tuple[str, ...] = ()

    def sign_in(self, token: str) -> None:
        """With a token, as a person would."""
        self.page.goto(f"{self.address}/")
        self.page.get_by_label("API token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", level=1, name="Ranges").wait_for()

    def go(self, place: str) -> None:
        """To a place of the page, as its links do."""
        self.page.evaluate("place => { location.hash = place }", f"#/{place}")

    def worst_contrast(self, inside: str = "body") -> float:
        """The lowest ratio of any text to what is behind it; of things that cannot be used, none is asked."""
        return float(self.page.evaluate(CONTRAST, inside))

    def strangers(self) -> list[str]:
        """What was asked of anybody but the service and its friends."""
        own = (
            f"{self.address}/",
            f"{self.address.replace('http', 'ws', 1)}/",
            f"blob:{self.address}/",
            "about:",
            "data:",
            *(f"{friend}/" for friend in self.friends),
        )
        return [url for url in self.asked if not url.startswith(own)]


@contextlib.contextmanager
def opened(
    browser: Browser, address: str, *, width: int = 1400, theme: Literal["light", "dark"] = "light",
    forgiven: tuple[str, ...] = (), friends: tuple[str, ...] = (),
) -> Iterator[Seen]:  # fmt: skip
    """A page for the length of a block. At its end nothing may have left the service, and nobody may have complained.

    `forgiven`: patterns of complaints ("… status of 401 (…) at URL") that the test brings about itself. `friends`:
    origins that may be asked as well.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    seen = Seen(page, address, friends=friends)

    def asked(request: Request) -> None:
        seen.asked.append(request.url)

    def heard(line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            seen.complaints.append(f"{line.text} at {line.location['url']}")

    page.on("request", asked)
    page.on("websocket", lambda socket: seen.asked.append(socket.url))
    page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
    page.on("console", heard)
    try:
        yield seen
        strangers = seen.strangers()
        assert not strangers, f"the page asked others: {strangers}"
        complaints = [one for one in seen.complaints if not any(re.search(part, one) for part in forgiven)]
        assert not complaints, f"the browser complained: {complaints}"
    finally:
        context.close()
