"""Ranges, documents and pools through the API: made once, listed in pages, changed by who has seen them, gone."""

from __future__ import annotations

import base64
import threading
from typing import Any

import httpx
import pytest

from range.rows import AnswerRow, RangeRow
from tests.serving import Served

TOPOLOGY = """schema: jointrange.topology/1
name: mine
networks: {lan: {cidr: 10.0.0.0/24}}
nodes:
  one: {image: jointrange/base, networks: [lan]}
"""
YAML = {"Content-Type": "application/yaml"}
DATABASES = ("sqlite", "postgresql")


def test_a_range_from_wish_to_end(served: Served, admin: httpx.Client) -> None:
    answer = admin.post("/v1/ranges", json={"topology": "pair", "lease": "2h"})
    assert answer.status_code == 202
    place = answer.headers["location"]
    view = served.until(admin, answer.json()["id"], "up")
    assert [node["status"] for node in view["nodes"]] == ["ready", "ready"]
    assert admin.get(place).json() == view
    assert admin.get(f"{place}/plan").json()["empty"]
    ran = admin.post(f"{place}/nodes/one/exec", json={"command": "true"}).json()
    assert ran["exit_code"] == 0
    assert admin.put(f"{place}/links/one/eth0", json={"up": False}).json()["up"] is False
    assert {one["node"]: one["up"] for one in admin.get(f"{place}/links").json()["items"]} == {
        "one": False,
        "two": True,
    }
    assert admin.get(f"{place}/nodes/one/logs").status_code == 200
    assert "<svg" in admin.get(f"{place}/drawing?states=true").text
    assert admin.post(f"{place}/reset", json={"nodes": ["one"]}).status_code == 202
    assert admin.post(f"{place}/lease", json={"lease": "3h"}).json()["lease_until"] > view["lease_until"]
    assert admin.delete(place).status_code == 202
    assert served.until(admin, view["id"], "gone")["problem"] is None
    assert admin.delete(place).status_code == 202, "asked again, it is the same"
    for path in ("links", "nodes/one/logs", "captures/lan"):
        assert admin.get(f"{place}/{path}").status_code == 409
    assert served.engine.range_of(view["id"]).nodes == {}


def test_a_capture_ends_when_it_is_to(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    answer = admin.get(f"/v1/ranges/{key}/captures/lan", params={"seconds": 0.2})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.tcpdump.pcap"
    assert answer.content[:4] == b"\xd4\xc3\xb2\xa1"
    with admin.stream("GET", f"/v1/ranges/{key}/captures/lan", params={"seconds": 600}) as stream:
        next(stream.iter_bytes())
    gates = served.app.state.gates
    for _ in range(gates.captures.room):
        with admin.stream("GET", f"/v1/ranges/{key}/captures/lan", params={"seconds": 600}) as stream:
            next(stream.iter_bytes())
    with gates.captures._left:
        assert gates.captures._left.wait_for(lambda: gates.captures._inside == 0, 20), "who goes leaves nothing behind"
    assert admin.get(f"/v1/ranges/{key}/captures/wan").status_code == 404
    for bpf in ("-w/tmp/written", "this is no filter"):
        refused = admin.get(f"/v1/ranges/{key}/captures/lan", params={"bpf": bpf})
        assert refused.status_code == 422
        assert f"`{bpf}`" in refused.json()["detail"]


def test_one_key_makes_one_range(served: Served, admin: httpx.Client) -> None:
    key = {"Idempotency-Key": "one-range"}
    answers: list[httpx.Response] = []
    start = threading.Barrier(8)

    def ask() -> None:
        with httpx.Client(base_url=served.address, headers=admin.headers, timeout=30) as client:
            start.wait()
            answers.append(client.post("/v1/ranges", json={"topology": "pair", "name": "once"}, headers=key))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    with served.service.store.reading() as rows:
        assert rows.count(RangeRow, name="once") == 1
    other = admin.post("/v1/ranges", json={"topology": "pair", "name": "twice"}, headers=key)
    assert other.status_code == 422
    elsewhere = served.client().post("/v1/ranges", json={"topology": "pair", "name": "once"}, headers=key)
    assert elsewhere.status_code == 409, "a key is its caller's: this one made its own attempt, and the name is taken"


def test_what_was_refused_may_be_tried_again(served: Served, admin: httpx.Client) -> None:
    key = {"Idempotency-Key": "again"}
    first = admin.post("/v1/ranges", json={"topology": "pair", "name": "again", "project": "none"}, headers=key)
    assert first.status_code == 404
    with served.service.store.reading() as rows:
        kept = [row for row in rows.find(AnswerRow) if row.status == 0]
    assert not kept, "the answer's row went with the rest of the transaction"


def test_a_command_with_a_key_is_run_once(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    before = len(served.engine.calls)
    for _ in range(3):
        answer = admin.post(
            f"/v1/ranges/{key}/nodes/one/exec", json={"command": "date"}, headers={"Idempotency-Key": "c1"}
        )
        assert answer.status_code == 200
    assert len(served.engine.calls) == before + 1
    for _ in range(2):
        answer = admin.post(
            f"/v1/ranges/{key}/nodes/none/exec", json={"command": "date"}, headers={"Idempotency-Key": "c2"}
        )
        assert answer.status_code == 404


def test_a_command_whose_end_nobody_saw_is_not_run_again(served: Served, admin: httpx.Client) -> None:
    """The service was killed between the command and its answer."""
    key = served.launched(admin)["id"]
    path, headers = f"/v1/ranges/{key}/nodes/one/exec", {"Idempotency-Key": "c3"}
    admin.post(path, json={"command": "date"}, headers=headers)
    with served.service.store.writing() as rows:
        last = rows.find(AnswerRow, newest=True, limit=1)[0]
        rows.change(AnswerRow, last.id, status=0, body="")
    before = len(served.engine.calls)
    assert admin.post(path, json={"command": "date"}, headers=headers).status_code == 409
    assert len(served.engine.calls) == before


def test_a_busy_service_says_when_to_come_back(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    gates = served.app.state.gates
    for number in range(gates.commands.room):
        gates.commands.enter(f"org-{number}")
    answer = admin.post(f"/v1/ranges/{key}/nodes/one/exec", json={"command": "true"})
    for number in range(gates.commands.room):
        gates.commands.leave(f"org-{number}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert admin.post(f"/v1/ranges/{key}/nodes/one/exec", json={"command": "true"}).status_code == 200


def test_nobody_overwrites_what_they_have_not_seen(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    path = f"/v1/ranges/{key}"
    seen = admin.get(path).headers["etag"]
    assert admin.get(path, headers={"If-None-Match": seen}).status_code == 304
    assert admin.patch(path, json={"name": "first"}).status_code == 428
    assert admin.patch(path, json={"name": "first"}, headers={"If-Match": seen}).status_code == 202
    assert admin.patch(path, json={"name": "second"}, headers={"If-Match": seen}).status_code == 412
    assert admin.delete(path, headers={"If-Match": seen}).status_code == 412
    assert admin.patch(path, json={"name": "third"}, headers={"If-Match": "*"}).status_code == 202
    assert admin.get(path, headers={"If-None-Match": seen}).status_code == 200
    assert admin.get("/v1/ranges/third").json()["id"] == key


def test_a_dry_run_does_nothing(served: Served, admin: httpx.Client) -> None:
    with served.service.store.reading() as rows:
        before = rows.count(RangeRow)
    plan = admin.post("/v1/ranges?dry_run=true", json={"topology": "company", "tools": ["suricata"]})
    assert plan.status_code == 200
    assert any("+ node suricata" in line for stage in plan.json()["stages"] for line in stage)
    with served.service.store.reading() as rows:
        assert rows.count(RangeRow) == before
    key = served.launched(admin)["id"]
    plan = admin.patch(
        f"/v1/ranges/{key}?dry_run=true",
        json={"upload": {"main": "t.yaml", "files": [{"path": "t.yaml", "text": TOPOLOGY}]}},
    )
    assert "- node two (not in the topology any more)" in [line for stage in plan.json()["stages"] for line in stage]


def test_a_topology_is_changed_while_it_lives(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    body = {"upload": {"main": "t.yaml", "files": [{"path": "t.yaml", "text": TOPOLOGY}]}}
    assert admin.patch(f"/v1/ranges/{key}", json=body, headers={"If-Match": "*"}).status_code == 202
    served.eventually(lambda: set(served.engine.range_of(key).nodes) == {"one"})
    view = served.eventually(lambda: (now := admin.get(f"/v1/ranges/{key}").json())["seen"] == 2 and now)
    assert (view["topology"], [node["name"] for node in view["nodes"]]) == ("mine", ["one"])


def test_pages_stay_whole_while_ranges_come(served: Served) -> None:
    boss = served.client()
    made = [
        boss.post("/v1/ranges", json={"topology": "pair", "name": f"page-{number}"}).json()["id"] for number in range(7)
    ]
    seen: list[str] = []
    cursor, turns = "", 0
    while turns == 0 or cursor:
        page: dict[str, Any] = boss.get("/v1/ranges", params={"limit": 3, "cursor": cursor}).json()
        seen += [one["id"] for one in page["items"]]
        cursor, turns = page["next"], turns + 1
        boss.post("/v1/ranges", json={"topology": "pair"})
    assert len(seen) == len(set(seen))
    assert [key for key in seen if key in made] == made[::-1]
    only = boss.get("/v1/ranges", params={"name": "page-3"}).json()["items"]
    assert [one["id"] for one in only] == [made[3]]
    some = boss.get("/v1/ranges", params={"status": ["gone", "failed"]}).json()["items"]
    assert {one["status"] for one in some} <= {"gone", "failed"}


def test_a_document_comes_and_goes(admin: httpx.Client) -> None:
    first = admin.post("/v1/topologies", content=TOPOLOGY.replace("mine", "comes"), headers=YAML)
    assert first.status_code == 201
    assert admin.post("/v1/topologies", content=TOPOLOGY.replace("mine", "comes"), headers=YAML).status_code == 200
    view = first.json()
    place = first.headers["location"]
    assert admin.get(place).json() == admin.get("/v1/topologies/comes").json() == view
    assert admin.get(place, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert admin.get(f"{place}/files/{view['main']}").text.startswith("schema: jointrange.topology/1\nname: comes")
    assert "<svg" in admin.get("/v1/topologies/comes/drawing").text
    names = [one["name"] for one in admin.get("/v1/topologies").json()["items"]]
    assert names == sorted(names)
    assert "comes" in names
    assert "pair" in names
    assert len(admin.get("/v1/topologies/comes/versions").json()["items"]) == 1
    assert admin.delete("/v1/topologies/comes").status_code == 204
    assert admin.get("/v1/topologies/comes").status_code == 404
    assert admin.delete("/v1/topologies/pair").status_code == 422


@pytest.mark.parametrize("kind", ["topologies", "tools", "scenarios", "benign", "campaigns"])
def test_the_examples_of_the_reference_are_good(admin: httpx.Client, kind: str) -> None:
    content = admin.get("/openapi.json").json()["paths"][f"/v1/{kind}"]["post"]["requestBody"]["content"]
    yaml = content["application/yaml"]["examples"]["one file"]["value"]
    assert admin.post(f"/v1/{kind}?dry_run=true", content=yaml, headers=YAML).status_code == 200
    files = content["application/json"]["examples"]["files"]["value"]
    assert admin.post(f"/v1/{kind}?dry_run=true", json=files).json()["name"]


def test_a_warm_copy_is_taken(served: Served, admin: httpx.Client) -> None:
    pool = admin.post("/v1/pools", json={"name": "warm", "topology": "routers", "warm": 1})
    assert pool.status_code == 202
    place = pool.headers["location"]
    served.eventually(lambda: admin.get(place).json()["ready"] == 1)
    taken = admin.post("/v1/ranges", json={"topology": "routers"}).json()
    assert taken["status"] == "up"
    assert taken["pool"] == pool.json()["id"]
    assert admin.patch(place, json={"warm": 0}).status_code == 428
    assert admin.patch(place, json={"warm": 0}, headers={"If-Match": "*"}).status_code == 202
    assert admin.delete(place).status_code == 202
    assert admin.get(f"/v1/ranges/{taken['id']}").json()["desired"] == "up", "what is taken stays"


def test_outputs_are_bytes(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    answer = admin.post(f"/v1/ranges/{key}/nodes/one/exec", json={"command": ["cat", "/etc/hostname"], "timeout": 5})
    assert base64.b64decode(answer.json()["stdout"], validate=True) is not None


def test_the_service_says_how_it_is(served: Served) -> None:
    anybody = served.stranger()
    assert anybody.get("/healthz").json() == {"ok": True, "detail": ""}
    ready = anybody.get("/readyz")
    assert ready.status_code == 200
    assert served.engine.probes == 0, "asking how it is makes nothing"
    assert set(ready.json()["checks"]) == {"store", "engine", "keepers"}
    assert "jointrange_" in anybody.get("/metrics").text
