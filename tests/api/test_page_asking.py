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


def test_what_somebody_changed_meanwhile_is_not_lost(served: Served, browser: Browser, admin: httpx.Client) -> None:
    quota = {"ranges": 5, "nodes": 50, "runs": 2}
    assert admin.post("/v1/organisations", json={"id": "blue", "name": "Blue", "quota": quota}).status_code == 201
    path = "/v1/organisations/blue"
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        seen.go("access")
        change = seen.page.get_by_role("button", name="Change …")
        change.click()
        box = seen.page.get_by_role("dialog", name="Change blue")
        box.get_by_label("Name").fill("Blue team")
        now = admin.get(path)
        fewer = {"quota": {**now.json()["quota"], "nodes": 7}}
        assert admin.patch(path, json=fewer, headers={"If-Match": now.headers["etag"]}).status_code == 200
        box.get_by_role("button", name="Change", exact=True).click()
        expect(box.get_by_role("alert")).to_contain_text("Somebody has changed it meanwhile")
        assert (admin.get(path).json()["quota"]["nodes"], admin.get(path).json()["name"]) == (7, "Blue")
        seen.page.keyboard.press("Escape")
        change.click()
        expect(box.get_by_label("Nodes at once")).to_have_value("7")
        box.get_by_label("Name").fill("Blue team")
        box.get_by_role("button", name="Change", exact=True).click()
        expect(seen.page.get_by_role("dialog")).to_have_count(0)
        assert (admin.get(path).json()["quota"]["nodes"], admin.get(path).json()["name"]) == (7, "Blue team")


def test_who_is_no_longer_known_is_told_so(served: Served, browser: Browser, admin: httpx.Client) -> None:
    made = admin.post("/v1/tokens", json={"name": "ends", "role": "operator", "lease": "1h"}).json()
    with opened(
        browser, served.address, forgiven=("status of 401", "ERR_INCOMPLETE_CHUNKED", "ERR_CONNECTION")
    ) as seen:
        seen.sign_in(made["token"])
        expect(seen.page.locator(".line")).to_have_attribute("data-state", "live")
        seen.page.keyboard.press("n")
        expect(seen.page.get_by_role("dialog")).to_be_visible()
        assert admin.delete(f"/v1/tokens/{made['id']}").status_code == 204
        served.stop()  # so that the stream has to begin anew
        served.start()
        expect(seen.page.get_by_label("API token")).to_be_visible()
        expect(seen.page.get_by_role("alert").first).to_contain_text("revoked")
        expect(seen.page.get_by_role("dialog")).to_have_count(0)
        expect(seen.page.locator("#troubles")).to_have_text("")


def test_a_refusal_that_nobody_waits_for_any_more_says_nothing(served: Served, browser: Browser) -> None:
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        said = seen.page.evaluate("""async () => {
          const { known, refused } = await import("/ui/api.js");
          const gone = async () => { throw new DOMException("the page was left", "AbortError"); };
          return refused({ status: 401, statusText: "Unauthorized", json: gone }, known()).catch((error) => error.name);
        }""")
        assert said == "AbortError"
        expect(seen.page.get_by_role("heading", level=1, name="Ranges")).to_be_visible()
        expect(seen.page.get_by_label("API token")).to_have_count(0)


def test_a_stream_that_is_refused_says_why(served: Served, browser: Browser, admin: httpx.Client) -> None:
    row = served.launched(admin, name="refused")
    trouble = {"title": "You may not.", "status": 403, "hint": "ask somebody who may"}
    with opened(browser, served.address, forgiven=("status of 403",)) as seen:
        seen.sign_in(served.token())
        seen.page.route("**/events", lambda route: route.fulfill(status=403, json=trouble))
        seen.go(f"ranges/{row['id']}")
        expect(seen.page.locator("#troubles")).to_contain_text("You may not.ask somebody who may")
        expect(seen.page.locator(".line")).to_have_text("not live")


def test_people_are_named_where_their_names_are_known(served: Served, browser: Browser, admin: httpx.Client) -> None:
    made = admin.post("/v1/tokens", json={"name": "Ada of the labs", "role": "operator", "lease": "1h"}).json()
    theirs = served.stranger()
    theirs.headers["Authorization"] = f"Bearer {made['token']}"
    row = served.launched(theirs, name="of-ada")
    with opened(browser, served.address) as seen:
        seen.sign_in(served.token())
        expect(seen.page.locator(f"tr[data-id={row['id']}]")).to_contain_text("Ada of the labs")
        seen.go("audit")
        expect(seen.page.locator("tbody tr", has_text="ranges.create").first).to_contain_text("Ada of the labs")


def test_the_audit_log_begins_with_the_newest_entry(served: Served, browser: Browser, admin: httpx.Client) -> None:
    last = admin.get("/v1/audit", params={"order": "newest", "limit": 1}).json()["items"][0]
    with opened(browser, served.address) as seen:
        asked: list[str] = []
        seen.page.on("request", lambda one: asked.append(one.url) if "/v1/audit" in one.url else None)
        seen.sign_in(served.token())
        seen.go("audit")
        expect(seen.page.locator("tbody tr").nth(1)).to_be_visible()
        assert "order=newest" in asked[0]
        numbers = [int(one[1:]) for one in seen.page.locator("tbody td .small:text-matches('^#')").all_inner_texts()]
        assert numbers[0] >= last["seq"]
        assert numbers == sorted(numbers, reverse=True)
