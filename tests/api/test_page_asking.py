"""What the page asks of the service: once, and of what the caller saw; and what it says when it is refused."""

from __future__ import annotations

import httpx
from playwright.sync_api import Browser, Route, expect

from tests.browser import opened
from tests.serving import Served


def test_a_launch_whose_answer_got_lost_is_done_once(served: Served, browser: Browser, admin: httpx.Client) -> None:
    keys: list[str] = []

    def lost(route: Route) -> None:
        """The service gets it, its answer goes nowhere."""
        asked = route.request
        keys.append(asked.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        kept = {name: asked.headers[name] for name in ("authorization", "idempotency-key", "content-type")}
        made = served.stranger().post("/v1/ranges", content=asked.post_data or "", headers=kept)
        assert made.status_code == 202
        route.abort("connectionreset")

    with opened(browser, served.address, forgiven=("ERR_CONNECTION_RESET",)) as seen:
        seen.sign_in(served.token())
        seen.page.keyboard.press("n")
        box = seen.page.get_by_role("dialog", name="Launch a range")
        box.get_by_label("Topology", exact=True).select_option("pair")
        box.get_by_label("Name").fill("pressed-twice")
        seen.page.route("**/v1/ranges", lost)
        box.get_by_role("button", name="Launch", exact=True).click()
        expect(box.get_by_role("alert")).to_contain_text("press again: it is done once")
        box.get_by_role("button", name="Launch", exact=True).click()
        expect(seen.page.get_by_role("heading", name="pressed-twice")).to_be_visible()
        assert len(keys) == 2
        assert len(set(keys)) == 1
        rows = admin.get("/v1/ranges", params={"limit": 100}).json()["items"]
        assert [row["name"] for row in rows].count("pressed-twice") == 1


def test_another_request_has_another_key(served: Served, browser: Browser) -> None:
    keys: list[str] = []

    def noted(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort("connectionreset")

    with opened(browser, served.address, forgiven=("ERR_CONNECTION_RESET",)) as seen:
        seen.sign_in(served.token())
        seen.page.keyboard.press("n")
        box = seen.page.get_by_role("dialog", name="Launch a range")
        seen.page.route("**/v1/ranges", noted)
        for name in ("first", "second", "first"):
            box.get_by_label("Name").fill(name)
            box.get_by_role("button", name="Launch", exact=True).click()
            expect(box.get_by_role("alert")).to_contain_text("does not answer")
            expect(box.get_by_role("button", name="Launch", exact=True)).to_be_enabled()
        assert keys[0] == keys[2] != keys[1]
