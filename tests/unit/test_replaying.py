"""Replays: paced, within their time, out of the right interface; refused with a reason; the player itself."""

from __future__ import annotations

import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.acting import Order
from range.layout import Layout, resolve
from range.pcap import Frame
from range.replaying import PLAYER, replay, schedule, way
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from range.topology import Topology
from tests.unit.pcaps import a_pcap, tcp
from tests.unit.topologies import a_layout, up

PCAP = a_pcap((1.0, tcp("1.2.3.4", "5.6.7.8", 9, 80)), (1.25, tcp("5.6.7.8", "1.2.3.4", 80, 9)))


def played(data: bytes) -> list[tuple[float, bytes]]:
    found, at = [], 0
    while at < len(data):
        due, size = struct.unpack_from("<dI", data, at)
        found.append((due, data[at + 12 : at + 12 + size]))
        at += 12 + size
    return found


def routed() -> Layout:
    topology = {
        "schema": "jointrange.topology/1", "name": "two", "defaults": {"image": "jointrange/base"},
        "networks": {"a": {"cidr": "10.0.1.0/24"}, "b": {"cidr": "10.0.2.0/24"}, "c": {"cidr": "10.0.3.0/24"}},
        "nodes": {"left": {"networks": ["c", "a"]}, "mid": {"kind": "router", "networks": ["a", "b"]},
                  "right": {"networks": ["b"]}},
    }  # fmt: skip
    return resolve(Topology.model_validate(topology), {})


def test_the_recorded_pace_is_kept_long_pauses_are_not() -> None:
    frames = [Frame(100.0, b"a", 1), Frame(100.2, b"b", 1), Frame(900.0, b"c", 1), Frame(899.0, b"d", 1)]
    assert [(round(due, 3), data) for due, data in played(schedule(frames, 60))] == [
        (0.0, b"a"), (0.2, b"b"), (1.2, b"c"), (1.2, b"d"),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1e9), st.binary(min_size=1, max_size=9)), max_size=20), st.floats(0.1, 30))
def test_every_frame_is_played_in_order_within_the_time(sent: list[tuple[float, bytes]], most: float) -> None:
    found = played(schedule([Frame(when, data, len(data)) for when, data in sent], most))
    assert [data for _, data in found] == [data for _, data in sent]
    assert all(0 <= first[0] <= second[0] <= most + 1e-6 for first, second in pairwise(found))


def test_the_way_to_the_target_is_an_interface_of_the_source() -> None:
    layout = routed()
    left, mid, right = (layout.node(name) for name in ("left", "mid", "right"))
    on = {end.segment: end.name for end in left.interfaces}
    assert way(left, mid) == way(left, right) == on["a"]
    assert way(left, left) == left.interfaces[0].name
    nowhere = a_layout().node("one")
    assert way(right, nowhere) is None or way(right, nowhere) == right.interfaces[0].name


def an_order(layout: Layout) -> Order:
    return Order("s", "step", layout.node("one"), layout.node("two"), "replay x.pcap", 30, "jrabc", tier="replay")


def test_it_is_played_in_the_node_by_the_player() -> None:
    layout = a_layout(one={"capabilities": ["NET_RAW"]})
    engine = MemoryEngine(answer=lambda node, argv, env: said("played 2 packets on eth0\n"))
    up(memory_ports(engine), layout)
    action = replay("r", an_order(layout), PCAP, engine, engine.clock)
    node, argv = engine.calls[-1]
    assert (node, action.tier, action.command) == ("one", "replay", "replay x.pcap")
    assert action.stdout == "played 2 packets on eth0\n"
    files = engine.range_of("r").nodes["one"].files
    [path] = [path for path in files if path.endswith(".packets")]
    assert argv[-1].endswith(f"python3 {path.removesuffix('.packets')}.player eth0 {path}")
    assert [data[12:14] for _, data in played(files[path])] == [b"\x08\x00"] * 2


@pytest.mark.parametrize(
    ("node", "data", "why"),
    [({}, PCAP, "NET_RAW"), ({"capabilities": ["NET_RAW"]}, b"no pcap, this, but long enough", "cannot be played")],
)
def test_what_cannot_be_played_is_refused_with_the_reason(node: dict[str, object], data: bytes, why: str) -> None:
    layout = a_layout(one=node)
    engine = MemoryEngine()
    up(memory_ports(engine), layout)
    engine.calls.clear()
    action = replay("r", an_order(layout), data, engine, engine.clock)
    assert (action.effect, engine.calls) == ("unknown", [])
    assert why in action.effect_detail


def test_the_player_says_what_it_played_and_what_was_refused(tmp_path: Path) -> None:
    """Its socket is one of ours, since a test may have no right to a real one: tests/e2e has it send packets."""
    (tmp_path / "socket.py").write_text(
        "AF_PACKET, SOCK_RAW = 17, 3\n"
        "class socket:\n"
        "    def __init__(self, *kind): assert kind == (17, 3)\n"
        "    def bind(self, where): assert where == ('eth7', 0)\n"
        "    def send(self, data):\n"
        "        if len(data) > 1514: raise OSError(90, 'Message too long')\n"
    )
    (tmp_path / "player.py").write_text(PLAYER)
    frames = [Frame(0.0, b"x" * 60, 60), Frame(0.05, b"x" * 9000, 9000), Frame(0.1, b"y" * 60, 60)]
    (tmp_path / "packets").write_bytes(schedule(frames, 5))
    argv = [sys.executable, str(tmp_path / "player.py"), "eth7", str(tmp_path / "packets")]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "played 2 packets on eth7\n")
    assert "1 packets were refused: [Errno 90] Message too long" in ended.stderr
