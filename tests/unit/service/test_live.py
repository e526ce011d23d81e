from __future__ import annotations

import base64
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import Conflict, NotFound, Refused, ServiceUnavailable
from range.rows import NodeState, RangeRow
from range.service import live
from range.service.context import Principal
from range.stores import Store
from range.testing.world import said
from range.topology import Impairment
from range.wire import ExecRequest, LinkChange
from tests.unit.service.worlds import World, a_world

WHO = Principal("token:me", "me", "org", "operator")


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    made = a_world(store, tmp_path)
    made.wish(made.topology())
    made.settle()
    assert made.row().status == "up"
    return made


def test_only_a_range_that_is_up_answers(world: World) -> None:
    row = replace(world.row(), status="starting", reason="images are built")
    with pytest.raises(Conflict, match="is starting, not up: images are built"):
        live.links(world.service, row)
    assert live.standing(replace(row, status="degraded"))


def test_a_cable_is_cut_and_everybody_is_told(world: World) -> None:
    row = world.row()
    assert [(one.node, one.up) for one in live.links(world.service, row)] == [("one", True), ("two", True)]
    view = live.set_link(world.service, WHO, row, "one", "eth0", LinkChange(up=False))
    assert not view.up
    live.set_link(world.service, WHO, row, "one", "eth0", LinkChange(impair=Impairment(rate="1mbit")))
    assert [one["impair"] for one in world.said("range.link", "range/r-1")] == [None, {"rate": "1mbit"}]
    with pytest.raises(NotFound):
        live.set_link(world.service, WHO, row, "one", "eth9", LinkChange())
    with world.service.store.reading() as rows:
        noted = [one.detail["interface"] for one in rows.audit(0, 50) if one.action == "ranges.link"]
    assert noted == ["eth0", "eth0", "eth9"], "also what then could not be done"
    world.engine.netem = False
    with pytest.raises(Refused):
        live.set_link(world.service, WHO, row, "one", "eth0", LinkChange(impair=Impairment(delay="20ms")))


def test_a_command_is_run_and_noted(world: World) -> None:
    world.engine.answer = lambda node, argv, env: said(f"{node}: {argv[-1]}")
    for node, ask in (("one", ExecRequest(command="id")), ("two", ExecRequest(command=("ls", "-l")))):
        live.note_command(world.service, WHO, world.row(), node, ask)
        view = live.execute(world.service, world.row(), node, ask, threading.Event())
        assert view.exit_code == 0
        assert base64.b64decode(view.stdout).startswith(node.encode())
    assert world.engine.calls[-2:] == [("one", ("sh", "-c", "id")), ("two", ("ls", "-l"))]
    with world.service.store.reading() as rows:
        noted = [one.detail for one in rows.audit(0, 50) if one.action == "ranges.exec"]
    assert noted == [{"node": "one", "command": "id"}, {"node": "two", "command": "ls -l"}]


def test_a_command_that_was_stopped_has_no_answer(world: World) -> None:
    world.engine.answer = lambda node, argv, env: said(seconds=float("inf"))
    stop = threading.Event()
    stop.set()
    with pytest.raises(ServiceUnavailable, match="killed"):
        live.execute(world.service, world.row(), "one", ExecRequest(command="sleep 1d"), stop)


def test_nothing_is_done_in_an_unused_copy(world: World) -> None:
    row = replace(world.row(), pool="p", claimed=False)
    service, ask, before = world.service, ExecRequest(command="touch /planted"), len(world.engine.calls)
    for call in (
        lambda: live.note_command(service, WHO, row, "one", ask),
        lambda: live.execute(service, row, "one", ask, threading.Event()),
        lambda: live.set_link(service, WHO, row, "one", "eth0", LinkChange(up=False)),
        lambda: live.capture(service, WHO, row, "lan", ""),
    ):
        with pytest.raises(Conflict, match="unused copy of a pool"):
            call()
    assert len(world.engine.calls) == before
    assert all(one.up for one in live.links(service, row)), "it may be looked at"
    with service.store.reading() as rows:
        assert not [one for one in rows.audit(0, 50) if one.action.startswith("ranges.")]


def test_names_are_looked_up_in_the_topology(world: World) -> None:
    row = world.row()
    with world.service.store.reading() as rows:
        assert live.segment_of(rows, world.service, row, "lan").cidr == "10.0.0.0/24"
        with pytest.raises(NotFound, match="no network or link wan"):
            live.segment_of(rows, world.service, row, "wan")


def test_logs_and_captures_come_from_the_engine(world: World) -> None:
    row = world.row()
    world.engine.range_of(row.id).nodes["one"].log.append("hello")
    assert live.logs(world.service, row, "one", 10) == "hello\n"
    taken = live.capture(world.service, WHO, row, "lan", "tcp")
    taken.close()
    assert b"".join(taken)[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"")


def test_a_picture_shows_states_when_it_is_asked(world: World) -> None:
    row: RangeRow = replace(world.row(), states=(NodeState("one", "ready"), NodeState("two", "dead")))
    plain, lively = live.picture(world.service, row), live.picture(world.service, row, states=True)
    assert plain in lively.replace(lively[lively.rindex("<style>") : lively.rindex("</svg>")], "")
    assert '[data-node="two"]>.jr-card{stroke:#d43c3c' in lively
