"""Signing in at an issuer, as a person does: a real browser, the real service, and issuers that are strict.

North is asked for id tokens, made for the page itself; Partners for access tokens, made for the service.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from range.rows import OrgRow
from range.service.issuers import Issuer
from tests.api.issuing import DISCOVERY, SignInProvider, answering
from tests.browser import Seen, opened
from tests.serving import Served, serving

WORLD = dict[str, SignInProvider]


@pytest.fixture(scope="module")
def providers() -> Iterator[WORLD]:
    north = SignInProvider(person={"preferred_username": "Ann", "realm_access": {"roles": ["guest", "staff"]}})
    partners = SignInProvider(
        client_id="page-of-jointrange", person={"name": "Bo", "teams": ["Red Team"], "may": "look"}
    )
    with answering(north), answering(partners):
        yield {"North": north, "Partners": partners}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, providers: WORLD) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("sign-in")
    north, partners = providers.values()
    issuers = (
        Issuer(
            issuer=north.url, audience=north.client_id, client_id=north.client_id, name="North", org="north",
            role_claim="realm_access.roles", roles={"staff": "operator", "boss": "admin"}, origins=north.elsewhere,
        ),
        Issuer(
            issuer=partners.url, audience=partners.audience, client_id=partners.client_id, name="Partners",
            org_claim="teams", orgs={"Red Team": "red"}, role_claim="may", roles={"look": "viewer"},
            origins=partners.elsewhere,
        ),
    )  # fmt: skip
    with serving(folder, issuers=issuers) as made:
        with made.service.store.writing() as rows:
            for org in ("north", "red"):
                rows.add(OrgRow(id=org, org=org, created=1.0, name=org))
        north.page = partners.page = made.address
        yield made


@pytest.fixture
def north(providers: WORLD) -> SignInProvider:
    providers["North"].well()
    return providers["North"]


@pytest.fixture
def partners(providers: WORLD) -> SignInProvider:
    providers["Partners"].well()
    return providers["Partners"]


@contextlib.contextmanager
def at_the_door(served: Served, browser: Browser, providers: WORLD, *forgiven: str, **options: Any) -> Iterator[Seen]:
    """The sign-in page. At the end nobody else was asked, and the browser had nothing to complain about."""
    friends = tuple(origin for one in providers.values() for origin in (one.url, one.elsewhere))
    with opened(browser, served.address, friends=friends, forgiven=forgiven, **options) as seen:
        seen.page.goto(f"{served.address}/#/access")
        expect(seen.page.get_by_label("API token")).to_be_visible()
        yield seen


def at(seen: Seen) -> Seen:
    """The sign-in page, with nobody signed in; what is asked is counted from here."""
    assert seen.strangers() == []
    if not seen.page.get_by_label("API token").is_visible():
        seen.page.evaluate("sessionStorage.clear()")
        seen.page.goto("about:blank")
        seen.page.goto(f"{seen.address}/#/access")
    expect(seen.page.get_by_role("button", name="Sign in with North", exact=True)).to_be_visible()
    seen.asked.clear()
    return seen


@pytest.fixture(scope="module")
def quiet(served: Served, browser: Browser, providers: WORLD) -> Iterator[Seen]:
    """One tab for tests in which the browser has nothing to complain about."""
    with at_the_door(served, browser, providers) as seen:
        yield seen


@pytest.fixture(scope="module")
def loud(served: Served, browser: Browser, providers: WORLD) -> Iterator[Seen]:
    """One tab for tests in which somebody refuses a request."""
    with at_the_door(served, browser, providers, "status of 40[13]", "CORS", "ERR_FAILED") as seen:
        yield seen


def choose(page: Page, name: str) -> None:
    """Begin to sign in; what was wrong the last time is no longer shown."""
    page.get_by_role("button", name=f"Sign in with {name}", exact=True).click()


def is_in(page: Page, name: str, role: str, org: str) -> None:
    expect(page.locator(".who")).to_have_text(f"{name}{role} · {org}")
    expect(page.get_by_role("heading", level=1, name="Access")).to_be_visible()


def is_out(page: Page, served: Served, *words: str) -> None:
    """Nobody is signed in, and the page says why."""
    for text in words:
        expect(page.get_by_role("alert").first).to_contain_text(text)
    expect(page.get_by_label("API token")).to_be_visible()
    expect(page.locator(".who")).to_have_count(0)
    assert page.url == f"{served.address}/#/access", "nothing of the issuer's answer stays in the address"
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_a_person_signs_in_and_stays_in_this_tab(served: Served, quiet: Seen, north: SignInProvider) -> None:
    page = at(quiet).page
    choose(page, "North")
    is_in(page, "Ann", "operator", "north")
    assert (north.refused, north.granted) == ([], 1)
    assert {"GET /authorize", "POST /token", f"GET {DISCOVERY}"} <= set(north.asked)
    assert page.url == f"{served.address}/#/access"
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    page.reload()
    is_in(page, "Ann", "operator", "north")
    assert north.granted == 1, "a reload asks nobody again"
    with page.context.expect_page() as other:
        page.evaluate("() => { open('/', '_blank', 'noopener') }")
    expect(other.value.get_by_label("API token")).to_be_visible()
    other.value.close()
    page.get_by_role("button", name="Sign out").click()
    is_out(page, served)


def test_a_role_and_an_organisation_of_another_issuer(quiet: Seen, partners: SignInProvider) -> None:
    page = at(quiet).page
    choose(page, "Partners")
    is_in(page, "Bo", "viewer", "red")
    assert (partners.refused, partners.granted) == ([], 1)
    quiet.go("ranges")
    expect(page.get_by_role("button", name="Launch a range").first).to_be_disabled()


WRONG: dict[str, tuple[dict[str, Any], str, int]] = {
    "state": ({"state": "x" * 43}, "does not belong to this sign-in", 0),
    "sender": ({"named": "https://evil.example"}, "does not belong to this sign-in", 0),
    "refusal": ({"error": "<b>Ann</b> is on leave"}, "The issuer refused: <b>Ann</b> is on leave", 0),
    "nonce": ({"identity": {"nonce": "x" * 43}}, "does not belong to this sign-in", 1),
    "no token": ({"identity": None}, "gave no id_token", 1),
    "audience": ({"identity": {"aud": "another-page"}}, "made for another service", 1),
    "maker": ({"identity": {"iss": "https://evil.example"}}, "does not belong to this sign-in", 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_right_lets_nobody_in(served: Served, quiet: Seen, north: SignInProvider, name: str) -> None:
    fault, words, granted = WRONG[name]
    page = at(quiet).page
    for key, value in fault.items():
        setattr(north, key, value)
    choose(page, "North")
    is_out(page, served, words)
    assert (north.refused, north.granted) == ([], granted)
    assert not any(url.endswith("/v1/me") for url in quiet.asked), "the service was not even asked"


def test_an_answer_that_nobody_waits_for_lets_nobody_in(served: Served, quiet: Seen, north: SignInProvider) -> None:
    at(quiet).page.goto(f"{served.address}/?code=stolen&state={'x' * 43}#/access")
    is_out(quiet.page, served, "was not begun in this tab")
    assert north.asked == []


def test_the_service_itself_refuses_tokens_for_others(served: Served, loud: Seen, partners: SignInProvider) -> None:
    partners.access = {"aud": partners.client_id}
    choose(at(loud).page, "Partners")
    is_out(loud.page, served, "does not know who is asking", "made for another service")
    assert any(url.endswith("/v1/me") for url in loud.asked)


def test_who_has_no_role_is_told_so_and_can_leave(served: Served, loud: Seen, partners: SignInProvider) -> None:
    partners.access = {"may": "dance"}
    page = at(loud).page
    choose(page, "Partners")
    expect(page.locator("main")).to_contain_text("gives you no role here (claim may)")
    page.get_by_role("button", name="Sign out").click()
    is_out(page, served)


def test_an_issuer_that_cannot_be_asked_is_named(served: Served, loud: Seen, north: SignInProvider) -> None:
    page = at(loud).page
    north.page = "http://elsewhere.example"
    try:
        choose(page, "North")
        is_out(page, served, f"The issuer does not answer this page: {north.url}", "CORS")
    finally:
        north.page = served.address


def test_the_issuers_of_these_tests_are_strict(served: Served, north: SignInProvider) -> None:
    asked = {
        "kind": "login", "response_type": "code", "client_id": north.client_id, "redirect_uri": f"{served.address}/",
        "scope": "openid", "state": "s" * 43, "nonce": "n" * 43, "code_challenge_method": "S256",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    }  # fmt: skip
    with httpx.Client(base_url=north.url, headers={"Origin": served.address}) as client:

        def code(**changes: str) -> str:
            answer = client.get("/authorize", params={**asked, **changes})
            return str(httpx.URL(answer.headers.get("Location", "")).params.get("code", ""))

        def token(given: str, **changes: str) -> int:
            form = {
                "grant_type": "authorization_code", "code": given, "client_id": north.client_id,
                "redirect_uri": asked["redirect_uri"],
                "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            }  # fmt: skip
            return client.post("/token", data={**form, **changes}).status_code

        good = code()
        assert [token(good), token(good)] == [200, 400], "RFC 7636's example, and only once"
        for name in ("client_id", "redirect_uri", "code_challenge_method", "scope", "code_challenge"):
            assert code(**{name: "x"}) == ""
        for name in ("client_id", "redirect_uri", "code_verifier", "grant_type"):
            assert token(code(), **{name: "x"}) == 400
        client.headers["Origin"] = "http://elsewhere.example"
        assert token(code()) == 404
    assert north.granted == 1
