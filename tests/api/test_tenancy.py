"""Every route, as everybody: nobody, a stranger, each role, another project, a dead token; compared with one table.

A route that is not in the table, a row of the table without a route, or one that nobody here asks for, fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.auth import routes_of
from api.table import TABLE
from range.rows import DocumentRow, Role, TokenRow
from range.service.access import ACTIONS, INSTALLATION, ROLES, WHOLE, Action
from tests.api.tenants import (
    ABOUT_A_ROW,
    ASKS,
    ELSEWHERE,
    GUARDED,
    MINE,
    OF_A_PROJECT,
    PROJECT,
    THEIRS,
    Ask,
    Tenants,
    tenants,
)

WORDS = [f"{method} {path}" for method, path in GUARDED]
every_route = pytest.mark.parametrize("key", GUARDED, ids=WORDS)


@dataclass
class Everybody:
    """A service, and a caller of each kind."""

    tenants: Tenants
    callers: dict[str, str]

    def ask(self, key: tuple[str, str], caller: str) -> httpx.Response:
        """Make the request of this route as this caller, on things of its own."""
        return self.tenants.send(key[0], ASKS[key](self.tenants), self.callers[caller])


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with tenants(tmp_path_factory.mktemp("tenants")) as world:
        service = world.served.service
        expired, revoked = world.token("admin"), world.token("admin")
        with service.store.writing() as rows:
            rows.change(TokenRow, expired.split("_")[1], expires=service.store.now() - 1.0)
            rows.change(TokenRow, revoked.split("_")[1], revoked=service.store.now())
        held = {
            "nobody": "",
            "expired": expired,
            "revoked": revoked,
            "forged": world.token("admin")[:-7] + "aaaaaaa",
            "stranger": world.token("admin", THEIRS),
            "stranger's project": world.token("admin", THEIRS, project=PROJECT),
            "another project": world.token("admin", project=ELSEWHERE),
            "its project": world.token("admin", project=PROJECT),
            "installation": world.token("admin", ""),
            "a viewer of the installation": world.token("viewer", ""),
            **{role: world.token(role) for role in get_args(Role)},
        }
        yield Everybody(world, held)


def good(answer: httpx.Response) -> bool:
    return 200 <= answer.status_code < 300


def rights(key: tuple[str, str]) -> tuple[Action, ...]:
    """The actions of which a route needs one."""
    right: Any = TABLE[key]
    return right if isinstance(right, tuple) else () if right is None else (right,)


def said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:300] if answer.is_closed and answer.is_stream_consumed else ''}"


def test_the_table_has_every_route_and_no_other(everybody: Everybody) -> None:
    routes = {(method, path) for method, path, _ in routes_of(everybody.tenants.served.app.routes)}
    assert routes == set(TABLE)
    assert len(routes) > 80
    described = everybody.tenants.get("/openapi.json", "").json()["paths"]
    known = {(method, path.replace(":path}", "}")) for method, path in TABLE}
    assert {(method.upper(), path) for path, methods in described.items() for method in methods} <= known


def test_every_guarded_route_is_asked_for_here() -> None:
    assert set(ASKS) == set(GUARDED)


def test_what_is_public_is_public_on_purpose() -> None:
    assert {path for (_method, path), right in TABLE.items() if right == "public"} == {
        "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/", "/ui/{path:path}", "/v1/sign-in",
    } | {path for (_, path), right in TABLE.items() if right == "public" and path.startswith("/docs")}  # fmt: skip
    assert [key for key, right in TABLE.items() if right is None] == [("GET", "/v1/me")]


@every_route
@pytest.mark.parametrize("caller", ["nobody", "expired", "revoked", "forged"])
def test_nobody_gets_anything(everybody: Everybody, key: tuple[str, str], caller: str) -> None:
    door = everybody.tenants.served.app.state.door
    door.failures = type(door.failures)()
    answer = everybody.ask(key, caller)
    assert answer.status_code == 401, said(answer)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"] == "Unauthenticated"


@every_route
@pytest.mark.parametrize("role", get_args(Role))
def test_each_role_may_do_what_the_table_says(everybody: Everybody, key: tuple[str, str], role: Role) -> None:
    answer = everybody.ask(key, role)
    if not rights(key) or ROLES[role] & {*rights(key)}:
        assert good(answer), said(answer)
    else:
        assert answer.status_code == 403, said(answer)
        assert answer.json()["error"] == "Forbidden"


@every_route
def test_a_token_without_the_scope_may_not(everybody: Everybody, key: tuple[str, str]) -> None:
    needed = rights(key)
    if not needed:
        return
    world = everybody.tenants
    org = "" if INSTALLATION & {*needed} else MINE
    others = tuple(one for one in ACTIONS if one not in needed)
    answer = world.send(key[0], ASKS[key](world), world.token("admin", org, scopes=others))
    assert answer.status_code == 403, said(answer)
    for right in needed:
        only = world.send(key[0], ASKS[key](world), world.token("admin", org, scopes=(right,)))
        assert good(only), said(only)


@every_route
@pytest.mark.parametrize("caller", ["stranger", "stranger's project"])
def test_a_stranger_finds_nothing(everybody: Everybody, key: tuple[str, str], caller: str) -> None:
    right = TABLE[key]
    answer = everybody.ask(key, caller)
    if right in INSTALLATION or (caller != "stranger" and right in WHOLE):
        assert answer.status_code == 403, said(answer)
    elif key in ABOUT_A_ROW:
        assert answer.status_code == 404, said(answer)
        assert answer.json()["error"] == "NotFound"
    else:
        assert good(answer), said(answer)
        if key[1] == "/v1/audit":
            assert {entry["org"] for entry in answer.json()["items"]} == {THEIRS}
        elif key[0] == "GET" and "events" not in key[1]:
            assert_nothing_of_blue(everybody.tenants, answer)


def assert_nothing_of_blue(world: Tenants, answer: httpx.Response) -> None:
    """Nothing that only organisation `blue` has is in the answer."""
    with world.served.service.store.reading() as rows:
        names = {row.name for row in rows.find(DocumentRow, org=MINE) if not row.bundled}
    for word in (f'"{MINE}"', f'"{MINE}:', world.live.id, world.done.id, *(f'"{name}"' for name in names)):
        assert word not in answer.text


@every_route
def test_a_token_of_another_project_finds_nothing_of_this_one(everybody: Everybody, key: tuple[str, str]) -> None:
    right = TABLE[key]
    answer = everybody.ask(key, "another project")
    if right in WHOLE:
        assert answer.status_code == 403, said(answer)
    elif key in OF_A_PROJECT:
        assert answer.status_code == 404, said(answer)
    else:
        assert good(answer), said(answer)
    if good(answer) and key[1] in ("/v1/ranges", "/v1/runs", "/v1/pools", "/v1/tokens"):
        items = answer.json()["items"] if key[0] == "GET" else [answer.json()]
        assert {item["project"] for item in items} <= {ELSEWHERE}, "what it makes and what it sees is of its project"


@every_route
def test_a_token_of_the_project_finds_it(everybody: Everybody, key: tuple[str, str]) -> None:
    answer = everybody.ask(key, "its project")
    assert answer.status_code == 403 if TABLE[key] in WHOLE else good(answer), said(answer)


@every_route
def test_an_administrator_of_the_installation_may_do_everything(everybody: Everybody, key: tuple[str, str]) -> None:
    answer = everybody.ask(key, "installation")
    documents = key in ABOUT_A_ROW and TABLE[key] in ("documents.read", "documents.write")
    # A name means a document of one's own organisation: the same name may be in each
    assert answer.status_code == 404 if documents else good(answer), said(answer)


@pytest.mark.parametrize("key", sorted(ABOUT_A_ROW), ids=lambda key: " ".join(key))
def test_without_being_administrator_the_installation_is_an_organisation_like_others(
    everybody: Everybody, key: tuple[str, str]
) -> None:
    answer = everybody.ask(key, "a viewer of the installation")
    assert answer.status_code == (404 if TABLE[key] in ROLES["viewer"] else 403), said(answer)


def test_a_foreign_row_looks_exactly_like_one_that_is_not_there(everybody: Everybody) -> None:
    token, world = everybody.callers["stranger"], everybody.tenants
    nothing = "r-0000000000"
    for foreign, path in (
        (world.live.id, "/v1/ranges/{}"),
        (world.done.id, "/v1/runs/{}"),
        (MINE, "/v1/organisations/{}"),
    ):
        one, other = world.get(path.format(foreign), token), world.get(path.format(nothing), token)
        assert one.status_code == other.status_code == 404
        assert one.text.replace(foreign, nothing) == other.text
        assert {*one.headers} == {*other.headers}


def test_the_name_of_a_foreign_range_means_nothing(everybody: Everybody) -> None:
    for caller, status in (("viewer", 200), ("stranger", 404), ("another project", 404)):
        assert everybody.tenants.get("/v1/ranges/mine", everybody.callers[caller]).status_code == status


def events(world: Tenants, token: str, until: str) -> str:
    """What a stream of everything says up to a word."""
    heard, headers = "", {"Authorization": f"Bearer {token}"}
    with world.wire.stream("GET", f"{world.served.address}/v1/events?after=0", headers=headers) as stream:
        assert stream.status_code == 200
        for chunk in stream.iter_text():
            heard += chunk
            if until in heard:
                break
    return heard


def test_a_stranger_hears_nothing(everybody: Everybody) -> None:
    world = everybody.tenants
    assert world.live.id in events(world, everybody.callers["viewer"], world.live.id)
    with world.served.service.store.writing() as rows:
        rows.tell(THEIRS, "range/r-theirs", "range.status", {"status": "the end"})
    heard = events(world, everybody.callers["stranger"], "the end")
    assert world.live.id not in heard
    assert world.done.id not in heard


@pytest.mark.parametrize("kind", ["range", "run", "pool"])
def test_everything_is_followed_as_far_as_the_scopes_go(everybody: Everybody, kind: str) -> None:
    world = everybody.tenants
    with world.served.service.store.writing() as rows:
        for one in ("pool", "run", "range", kind):
            rows.tell(MINE, f"{one}/{world.name('told')}", f"{one}.status", {"status": "told"})
        rows.tell(MINE, f"{kind}/the-end", f"{kind}.status", {"status": "the end"})
    heard = events(world, world.token("admin", scopes=(f"{kind}s.read",)), "the end")
    assert {line for line in heard.splitlines() if line.startswith("event: ")} <= {
        f"event: {kind}.{word}" for word in ("status", "step", "node", "link")
    }


def test_a_ticket_for_a_console_is_good_once_and_nothing_else_is(everybody: Everybody) -> None:
    world = everybody.tenants
    address = world.served.address.replace("http://", "ws://")

    def opened(path: str, token: str = "") -> int:
        """1000 when the console was there, else the code it was refused with."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with connect(f"{address}{path}", additional_headers=headers) as socket:
                assert socket.recv(timeout=10)
                return 1000
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0

    assert opened("/v1/consoles/made-up") >= 1008
    assert opened("/v1/consoles/made-up", world.token("admin")) >= 1008, "no token takes the place of a ticket"
    answer = everybody.ask(("POST", "/v1/ranges/{id}/nodes/{node}/console"), "operator")
    path = answer.json()["path"]
    assert opened(path) == 1000
    assert opened(path) >= 1008


def test_basic_is_as_good_as_bearer(everybody: Everybody) -> None:
    world = everybody.tenants
    token = world.token("viewer")
    place = f"{world.served.address}/v1/me"
    assert world.wire.get(place, auth=("anybody", token)).json()["role"] == "viewer"
    assert world.wire.get(place, auth=(token, "")).status_code == 401


def test_refusals_are_in_the_audit_log_of_who_was_refused(everybody: Everybody) -> None:
    world = everybody.tenants
    fresh = world.token("viewer", THEIRS)
    who = world.get("/v1/me", fresh).json()["id"]
    world.get(f"/v1/ranges/{world.live.id}", fresh)
    world.get("/v1/ranges/r-0000000000", fresh)
    world.send("POST", Ask("/v1/ranges", json={"topology": "pair"}), fresh)
    with world.served.service.store.reading() as rows:
        told = [one for one in rows.audit(0, 100_000, org=THEIRS) if one.actor == who]
    assert [(one.action, one.outcome, one.subject) for one in told] == [
        ("ranges.read", "refused", f"GET /v1/ranges/{world.live.id}"),
        ("ranges.write", "refused", "POST /v1/ranges"),
    ]


def test_the_audit_log_holds_after_all_of_this(everybody: Everybody) -> None:
    found = everybody.tenants.get("/v1/audit/verify", everybody.callers["admin"]).json()
    assert found["holds"], found["why"]
    assert found["entries"] > 100
    with everybody.tenants.served.service.store.reading() as rows:
        whole = repr(rows.audit(0, 1_000_000))
    for caller, token in everybody.callers.items():
        secret = token.rpartition("_")[2]
        assert caller == "nobody" or (len(secret) > 40 and secret not in whole)
