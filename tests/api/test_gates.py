"""Gates: who gets in, who waits, who is told to come back; and that no kind of request goes around them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from api.app import THREADS
from api.gates import Gate, Gates
from range.errors import ServiceUnavailable
from tests.serving import Served

TOPOLOGY = """schema: jointrange.topology/1
name: gated
networks: {lan: {cidr: 10.0.0.0/24}}
nodes:
  one: {image: jointrange/base, networks: [lan]}
"""
UPLOAD = {"main": "topology.yaml", "files": [{"path": "topology.yaml", "text": TOPOLOGY}]}


@pytest.fixture
def full(served: Served) -> Iterator[Gates]:
    """The gates of a service that reads as many documents as it can, and in which nobody waits."""
    gates: Gates = served.app.state.gates
    there, gates.documents = gates.documents, Gate("documents", 3)
    try:
        with ExitStack() as inside:
            for _ in range(gates.documents.room):
                inside.enter_context(gates.documents.inside())
            yield gates
    finally:
        gates.documents = there


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/topologies", UPLOAD),
        ("/v1/ranges", {"upload": UPLOAD}),
        ("/v1/pools", {"name": "gated", "upload": UPLOAD}),
        ("/v1/runs", {"upload": UPLOAD}),
    ],
)
def test_every_upload_goes_through_the_one_gate(
    full: Gates, admin: httpx.Client, path: str, body: dict[str, object]
) -> None:
    refused = admin.post(path, json=body)
    assert refused.status_code == 503, refused.text
    assert "documents are under way" in refused.text
    assert refused.headers["retry-after"]


def test_a_change_by_upload_goes_through_it_too(served: Served, admin: httpx.Client, full: Gates) -> None:
    key = served.launched(admin)["id"]
    refused = admin.patch(f"/v1/ranges/{key}", json={"upload": UPLOAD}, headers={"If-Match": "*"})
    assert refused.status_code == 503, refused.text
    assert admin.get(f"/v1/ranges/{key}").json()["topology"] == "pair"


def test_what_uploads_nothing_does_not_wait_for_it(full: Gates, admin: httpx.Client) -> None:
    assert admin.post("/v1/ranges?dry_run=true", json={"topology": "pair"}).status_code == 200
    assert admin.post("/v1/runs", json={"campaign": "demo", "level": "try"}).status_code == 202


def test_all_gates_together_leave_threads_for_the_rest(served: Served) -> None:
    gates: Gates = served.app.state.gates
    held = sum(gate.room + gate.queue for gate in (gates.commands, gates.looks, gates.documents, gates.judgements))
    assert held <= THREADS * 3 // 4, "a capture has a thread of its own"


def test_who_waits_gets_in_and_who_finds_no_place_to_wait_does_not(served: Served) -> None:
    gate = Gate("things", 1, queue=1, patience=20.0)
    gate.enter()
    second = threading.Thread(target=gate.enter, daemon=True)
    second.start()
    served.eventually(lambda: gate._waiting == 1)
    with pytest.raises(ServiceUnavailable, match="1 things are under way"):
        gate.enter()
    gate.leave()
    second.join(20)
    assert not second.is_alive()
    gate.leave()
    with gate.inside():
        assert gate._inside == 1
    assert gate._inside == gate._waiting == 0


def test_patience_ends() -> None:
    gate = Gate("things", 1, queue=1, patience=0.01)
    gate.enter()
    with pytest.raises(ServiceUnavailable):
        gate.enter()
    assert gate._waiting == 0
