"""A service with two organisations, and for each route a request that must succeed for whoever may make it.

`ASKS` has one entry for each row of api/table.py but the public ones: it makes what the request needs, then gives it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from api.table import TABLE
from range.bundle.sealing import seal
from range.rows import (
    OrgRow,
    PoolRow,
    ProjectRow,
    Quota,
    RangeRow,
    Role,
    RunRow,
    TokenRow,
)
from range.service import run_files, tokens
from range.service.keepers import Keepers
from range.wire import TokenRequest, Upload, UploadFile
from tests.serving import Served, serving
from tests.unit.bundle.runs import a_run_folder
from tests.unit.service.campaigning import FILES

MINE, THEIRS = "blue", "red"
PROJECT, ELSEWHERE = "ics", "web"
BOUNDLESS = Quota(ranges=None, nodes=None, runs=None)
BENIGN = """
schema: jointrange.benign/1
name: office
title: Office
benign:
  - {id: look, title: Look, from: {role: client}, target: {role: server}, run: "true", every: 10s}
"""
SOURCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "topologies": ("topology.yaml", {"topology.yaml": FILES["t.yaml"]}),
    "tools": ("tool.yaml", {"tool.yaml": FILES["watch/tool.yaml"], "install.yml": FILES["watch/install.yml"]}),
    "scenarios": ("s.yaml", {"s.yaml": FILES["s.yaml"]}),
    "benign": ("b.yaml", {"b.yaml": BENIGN}),
    "campaigns": ("campaign.yaml", FILES),
}


@dataclass(frozen=True)
class Ask:
    """A request: its path, and what goes with it. `opened`: only its beginning is read."""

    path: str
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    opened: bool = False


@dataclass
class Tenants:
    """What organisation `blue` has: a range that is up and a run that is done, of project `ics`; documents; tokens."""

    served: Served
    live: RangeRow
    done: RunRow
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    shared: dict[str, str] = field(default_factory=dict)
    wire: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20.0))

    def name(self, word: str) -> str:
        return f"{word}-{next(self.numbers)}"

    def add(self, row: Any) -> str:
        """Keep a new row; its id."""
        with self.served.service.store.writing() as rows:
            rows.add(row)
        return str(row.id)

    def a_range(self, **changes: Any) -> str:
        """Another range that is up, as far as the store knows."""
        key = self.name("r-copy")
        return self.add(replace(self.live, id=key, name=key, **changes))

    def a_run(self, **changes: Any) -> str:
        """Another run that is going on."""
        values = {"status": "running", "run": "", "ended": 0.0, **changes}
        return self.add(replace(self.done, id=self.name("run-copy"), **values))

    def a_pool(self) -> str:
        key = self.name("pool")
        return self.add(
            PoolRow(
                id=key, org=MINE, created=1.0, name=key, project=PROJECT, topology=self.live.topology, warm=0
            )
        )  # fmt: skip

    def a_document(self, segment: str) -> str:
        """A new document of `blue`; its name."""
        name = self.name("doc")
        answer = self.send("POST", Ask(f"/v1/{segment}", json=upload(segment, name)), self.token("admin"))
        assert answer.status_code == 201, answer.text
        return name

    def document(self, segment: str) -> str:
        """One that stays."""
        if segment not in self.shared:
            self.shared[segment] = self.a_document(segment)
        return self.shared[segment]

    def a_token(self, **changes: Any) -> str:
        """The id of a token of `blue`, project `ics`."""
        key = self.name("tok")
        values = {"name": key, "digest": "0" * 64, "role": "viewer", "project": PROJECT, **changes}
        return self.add(TokenRow(id=key, org=MINE, created=1.0, **values))

    def a_project(self) -> str:
        name = self.name("p")
        return self.add(ProjectRow(id=f"{MINE}:{name}", org=MINE, created=1.0, name=name))

    def an_organisation(self) -> str:
        key = self.name("o")
        return self.add(OrgRow(id=key, org=key, created=1.0, name=key))

    def token(
        self, role: Role, org: str = MINE, *, project: str = "", scopes: tuple[str, ...] = (), lease: str = "1h"
    ) -> str:
        """A new token."""
        ask = TokenRequest(name="test", role=role, project=project, scopes=scopes, lease=lease)
        with self.served.service.store.writing() as rows:
            return tokens.issue(rows, "test", org, ask, self.served.service.store.now())[1]

    def send(self, method: str, ask: Ask, token: str) -> httpx.Response:
        """The answer to who has this token ("": none); of one that goes on, only its beginning."""
        headers = {**ask.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        place = f"{self.served.address}{ask.path}"
        request = self.wire.build_request(method, place, json=ask.json, params=ask.params, headers=headers)
        answer = self.wire.send(request, stream=True)
        if not (ask.opened and answer.status_code == 200):
            answer.read()
        answer.close()
        return answer

    def get(self, path: str, token: str) -> httpx.Response:
        return self.send("GET", Ask(path), token)


def upload(segment: str, name: str) -> dict[str, Any]:
    """A document of another name, as JSON."""
    main, files = SOURCES[segment]
    renamed = {
        path: text.replace(_named(text), f"name: {name}") if path == main else text for path, text in files.items()
    }
    made = Upload(main=main, files=tuple(UploadFile(path=path, text=text) for path, text in renamed.items()))
    return made.model_dump(exclude_none=True)


def _named(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("name: "))


@contextmanager
def tenants(folder: Path) -> Iterator[Tenants]:
    """A service for the length of a block; its keepers work only until its range is up."""
    with serving(folder, keep=False) as served:
        store = served.service.store
        with store.writing() as rows:
            for org in (MINE, THEIRS):
                rows.add(OrgRow(id=org, org=org, created=1.0, name=org, quota=BOUNDLESS))
                for project in (PROJECT, ELSEWHERE):
                    rows.add(ProjectRow(id=f"{org}:{project}", org=org, created=1.0, name=project))
        keepers = Keepers(served.service)
        keepers.start()
        try:
            client = served.client("admin", MINE)
            view = served.launched(client, name="mine", project=PROJECT, warm=False, lease="1d")
        finally:
            assert keepers.stop()
        with store.reading() as rows:
            live = rows.get(RangeRow, view["id"])
        assert live is not None
        done = RunRow(
            id="run-done", org=MINE, created=1.0, name="tiny", project=PROJECT, campaign=f"{MINE}:campaign:{'0' * 64}",
            status="done", run="r-7f3a", ended=2.0,
        )  # fmt: skip
        with store.writing() as rows:
            rows.add(done)
            rows.tell(MINE, "run/run-done", "run.status", {"status": "done", "reason": "", "decision": "pass"})
        run = a_run_folder(run_files.place(served.service, done) / done.run)
        seal(run, run_files.bundle_of(run), [])
        world = Tenants(served, live, done)
        yield world
        world.wire.close()


Maker = Callable[[Tenants], Ask]
ANY = {"If-Match": "*"}


def _documents() -> dict[tuple[str, str], Maker]:
    made: dict[tuple[str, str], Maker] = {}
    for segment, (main, _files) in SOURCES.items():
        base = f"/v1/{segment}"

        def asks(segment: str = segment, base: str = base, main: str = main) -> dict[tuple[str, str], Maker]:
            return {
                ("GET", base): lambda t: Ask(base),
                ("POST", base): lambda t: Ask(base, json=upload(segment, t.name("up"))),
                ("GET", f"{base}/{{ref}}"): lambda t: Ask(f"{base}/{t.document(segment)}"),
                ("GET", f"{base}/{{ref}}/versions"): lambda t: Ask(f"{base}/{t.document(segment)}/versions"),
                ("GET", f"{base}/{{ref}}/files/{{path:path}}"): lambda t: Ask(
                    f"{base}/{t.document(segment)}/files/{main}"
                ),
                ("DELETE", f"{base}/{{ref}}"): lambda t: Ask(f"{base}/{t.a_document(segment)}"),
            }

        made |= asks()
    return made


def _live(rest: str, **more: Any) -> Maker:
    """About the range that is up."""
    return lambda t: Ask(f"/v1/ranges/{t.live.id}{rest}", **more)


def _copy(rest: str = "", **more: Any) -> Maker:
    """About a range that is made for this request."""
    return lambda t: Ask(f"/v1/ranges/{t.a_range()}{rest}", **more)


def _run(rest: str = "", **more: Any) -> Maker:
    """About the run that is done."""
    return lambda t: Ask(f"/v1/runs/{t.done.id}{rest}", **more)


ASKS: Mapping[tuple[str, str], Maker] = {
    **_documents(),
    ("GET", "/v1/topologies/{ref}/drawing"): lambda t: Ask(f"/v1/topologies/{t.document('topologies')}/drawing"),
    ("GET", "/v1/ranges"): lambda t: Ask("/v1/ranges"),
    ("POST", "/v1/ranges"): lambda t: Ask("/v1/ranges", json={"topology": "pair", "lease": "1h"}),
    ("GET", "/v1/ranges/{id}"): _live(""),
    ("PATCH", "/v1/ranges/{id}"): lambda t: Ask(f"/v1/ranges/{t.a_range()}", json={"name": t.name("new")}, headers=ANY),
    ("DELETE", "/v1/ranges/{id}"): _copy(),
    ("GET", "/v1/ranges/{id}/plan"): _live("/plan"),
    ("POST", "/v1/ranges/{id}/lease"): _copy("/lease", json={"lease": "2h"}),
    ("POST", "/v1/ranges/{id}/reset"): _copy("/reset", json={"nodes": []}),
    ("GET", "/v1/ranges/{id}/links"): _live("/links"),
    ("PUT", "/v1/ranges/{id}/links/{node}/{interface}"): _live("/links/one/eth0", json={"up": True}),
    ("POST", "/v1/ranges/{id}/nodes/{node}/exec"): _live("/nodes/one/exec", json={"command": "true"}),
    ("GET", "/v1/ranges/{id}/nodes/{node}/logs"): _live("/nodes/one/logs"),
    ("POST", "/v1/ranges/{id}/nodes/{node}/console"): _live("/nodes/one/console", json={}),
    ("GET", "/v1/ranges/{id}/captures/{network}"): _live("/captures/lan", params={"seconds": 0.05}),
    ("GET", "/v1/ranges/{id}/drawing"): _live("/drawing"),
    ("GET", "/v1/ranges/{id}/events"): _live("/events", opened=True),
    ("GET", "/v1/pools"): lambda t: Ask("/v1/pools"),
    ("POST", "/v1/pools"): lambda t: Ask("/v1/pools", json={"name": t.name("pool"), "topology": "pair", "warm": 0}),
    ("GET", "/v1/pools/{id}"): lambda t: Ask(f"/v1/pools/{t.a_pool()}"),
    ("PATCH", "/v1/pools/{id}"): lambda t: Ask(f"/v1/pools/{t.a_pool()}", json={"warm": 0}, headers=ANY),
    ("DELETE", "/v1/pools/{id}"): lambda t: Ask(f"/v1/pools/{t.a_pool()}"),
    ("GET", "/v1/runs"): lambda t: Ask("/v1/runs"),
    ("POST", "/v1/runs"): lambda t: Ask(
        "/v1/runs", json={"upload": upload("campaigns", t.name("run")), "level": "try"}
    ),
    ("GET", "/v1/runs/{id}"): _run(),
    ("POST", "/v1/runs/{id}/cancel"): lambda t: Ask(f"/v1/runs/{t.a_run()}/cancel"),
    ("GET", "/v1/runs/{id}/verdicts"): _run("/verdicts"),
    ("GET", "/v1/runs/{id}/files"): _run("/files"),
    ("GET", "/v1/runs/{id}/files/{name:path}"): _run("/files/result.json"),
    ("GET", "/v1/runs/{id}/bundle"): _run("/bundle"),
    ("POST", "/v1/runs/{id}/rescore"): _run("/rescore"),
    ("GET", "/v1/runs/{id}/events"): _run("/events", opened=True),
    ("GET", "/v1/events"): lambda t: Ask("/v1/events", opened=True),
    ("GET", "/v1/me"): lambda t: Ask("/v1/me"),
    ("GET", "/v1/organisations"): lambda t: Ask("/v1/organisations"),
    ("POST", "/v1/organisations"): lambda t: Ask("/v1/organisations", json={"id": t.name("org")}),
    ("GET", "/v1/organisations/{id}"): lambda t: Ask(f"/v1/organisations/{MINE}"),
    ("PATCH", "/v1/organisations/{id}"): lambda t: Ask(
        f"/v1/organisations/{t.an_organisation()}", json={"share": 2}, headers=ANY
    ),
    ("GET", "/v1/projects"): lambda t: Ask("/v1/projects"),
    ("POST", "/v1/projects"): lambda t: Ask("/v1/projects", json={"name": t.name("p")}),
    ("DELETE", "/v1/projects/{id}"): lambda t: Ask(f"/v1/projects/{t.a_project()}"),
    ("GET", "/v1/tokens"): lambda t: Ask("/v1/tokens"),
    ("POST", "/v1/tokens"): lambda t: Ask(
        "/v1/tokens", json={"name": "x", "scopes": ["tokens.write"], "role": "admin", "lease": "5m"}
    ),
    ("DELETE", "/v1/tokens/{id}"): lambda t: Ask(f"/v1/tokens/{t.a_token()}"),
    ("GET", "/v1/usage"): lambda t: Ask("/v1/usage"),
    ("GET", "/v1/audit"): lambda t: Ask("/v1/audit"),
    ("GET", "/v1/audit/verify"): lambda t: Ask("/v1/audit/verify"),
}
"""Everything but what is public, and the WebSocket, which has tests of its own."""

ABOUT_A_ROW = frozenset(key for key in ASKS if "{" in key[1])
"""Routes that name a row of `blue`."""
OF_A_PROJECT = frozenset(
    key for key in ABOUT_A_ROW if key[1].split("/")[2] in ("ranges", "runs", "pools", "tokens")
)  # fmt: skip
"""Of these, the ones whose rows are of the project `ics`."""
GUARDED = tuple(key for key, right in TABLE.items() if right != "public" and key[0] != "WS")
