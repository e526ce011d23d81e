"""The library's face over an engine in memory."""

from __future__ import annotations

import pytest

from range.errors import Conflict, NodeFailed, NotFound
from range.lab import Lab, launch
from range.ports import Ports
from range.settings import Settings
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.testing.world import PCAP_HEADER, said


def a_world() -> Ports:
    engine = MemoryEngine(answer=lambda _node, argv, _env: said("out", "bad", 3) if "fail" in argv[-1] else None)
    board = MemorySwitchboard(engine)
    board.listening["two", 80] = lambda asked: b"you said " + asked
    return memory_ports(engine, board)


def a_lab(ports: Ports, **options: bool | str) -> Lab:
    """A lab that has ended."""
    with launch("pair", ports=ports, settings=Settings(), **options) as lab:  # type: ignore[arg-type]
        assert lab.exec("one", "true").check().exit_code == 0
        return lab


def test_it_lasts_for_its_block_and_dies_with_its_maker() -> None:
    ports = a_world()
    with launch("pair", ports=ports, settings=Settings()) as lab:
        [line] = ports.engine.survey()
        assert (line.range_id, line.kept) == (lab.name, False)
        assert lab.nodes == ("one", "two")
    assert ports.engine.survey() == ()


def test_it_may_be_kept() -> None:
    ports = a_world()
    a_lab(ports, keep=True, name="mine")
    [line] = ports.engine.survey()
    assert (line.range_id, line.kept) == ("mine", True)


def test_it_never_takes_over_a_range() -> None:
    ports = a_world()
    a_lab(ports, keep=True, name="mine")
    with pytest.raises(Conflict, match="mine"):
        a_lab(ports, name="mine")
    assert [line.range_id for line in ports.engine.survey()] == ["mine"]


def test_commands_files_and_names() -> None:
    with launch("pair", ports=a_world(), settings=Settings()) as lab:
        assert lab.exec("one", ["echo", "a"]).text == "a\n"
        with pytest.raises(NodeFailed, match="`fail` ended with 3: bad"):
            lab.exec("one", "fail").check()
        two = lab.node("two")
        two.put("/f", "text")
        assert two.exec(["cat", "/f"]).text == "text"
        assert (two.name, two.address, two.logs()) == ("two", lab.layout.node("two").address(), "")
        with pytest.raises(NotFound, match="no node three"):
            lab.node("three")


def test_cables_captures_connections_and_isolation() -> None:
    with launch("pair", ports=a_world(), settings=Settings()) as lab:
        lab.link("one").cut()
        assert [line.up for line in lab.links()] == [False, True]
        assert lab.link("one").impair(rate="1mbit").up
        lab.link("one", "eth0").restore()
        with lab.capture("lan") as taken:
            pass
        assert bytes(taken.data) == PCAP_HEADER
        pipe = lab.connect("two", 80)
        pipe.send(b"hi")
        pipe.finish()
        assert pipe.receive() == b"you said hi"
        assert lab.isolation().holds
