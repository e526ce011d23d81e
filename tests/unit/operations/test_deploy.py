"""Deploy: stages in order, start commands, readiness, and faults that say what happened."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest

from range.errors import EngineFault, EngineUnavailable, NodeFailed, NotFound, RangeError
from range.events import Event, NodeChanged, PhaseChanged, nowhere
from range.operations.deploy import deploy
from range.plan import Observed, plan
from range.ports import ExecResult
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.world import said
from tests.unit.topologies import OWNERSHIP, a_layout


def go(engine: MemoryEngine, board: MemorySwitchboard | None = None, **nodes: dict[str, object]) -> list[Event]:
    events: list[Event] = []
    todo = plan("r", a_layout(**nodes), Observed("r"))
    deploy(todo, OWNERSHIP, engine, board or MemorySwitchboard(engine), events.append, workers=2)
    return events


def test_everything_is_made_and_told() -> None:
    engine = MemoryEngine()
    events = go(engine)
    assert engine.observe("r").complete
    phases = [event.phase for event in events if isinstance(event, PhaseChanged)]
    assert phases[:2] == ["starting", "wiring"]
    made = {(event.node, event.what) for event in events if isinstance(event, NodeChanged)}
    assert made == {(node, what) for node in ("one", "two") for what in ("created", "ready")}


def test_start_commands_run_in_order_and_in_the_background_when_told() -> None:
    engine = MemoryEngine()
    go(engine, one={"start": ["first", {"run": "second", "background": True}]})
    scripts = [argv for node, argv in engine.calls if node == "one"]
    assert [argv[-1] for argv in scripts] == ["first", "second"]
    assert "setsid" not in scripts[0][2]
    assert "setsid" in scripts[1][2]


def test_a_node_waits_for_those_it_depends_on() -> None:
    engine = MemoryEngine()
    go(engine, one={"depends_on": ["two"], "start": ["later"]}, two={"start": ["sooner"]})
    assert [argv[-1] for _, argv in engine.calls] == ["sooner", "later"]


def failing(code: int, seconds: float = 0) -> MemoryEngine:
    def answer(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        return said("loading\n", "it broke", code, seconds) if argv[-1] == "serve" else None

    return MemoryEngine(answer=answer)


def test_a_start_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(NodeFailed, match="start command `serve` ended with 7") as caught:
        go(failing(7), two={"start": ["serve"]})
    assert caught.value.node == "two"
    assert "it broke" in caught.value.log
    assert caught.value.hint


@pytest.mark.parametrize("fault", [EngineUnavailable("nobody answers"), NotFound("range r has no node one")])
def test_an_engine_that_goes_away_or_a_node_that_does_is_no_fault_of_the_node(fault: RangeError) -> None:
    def answer(_node: str, _argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        raise fault

    with pytest.raises(type(fault), match=str(fault)):
        go(MemoryEngine(answer=answer), one={"start": ["serve"]})


def test_a_start_command_that_hangs_is_ended() -> None:
    with pytest.raises(NodeFailed, match="took longer than 2 s"):
        go(failing(0, seconds=90), two={"start": [{"run": "serve", "timeout": "2s"}]})


def test_readiness_is_waited_for() -> None:
    engine = MemoryEngine()
    board = MemorySwitchboard(engine)
    board.listening["two", 80] = lambda _data: b""
    go(engine, board, two={"ready": [{"tcp": 80}, {"http": ":80/"}, {"command": "true"}]})
    assert engine.observe("r").complete


@pytest.mark.parametrize(
    ("ready", "words"),
    [
        ({"tcp": 81, "timeout": "5s"}, "not ready after 5 s: nothing listens on TCP port 81"),
        ({"command": "serve", "timeout": "1s"}, "never ended with 0: loading"),
    ],
)
def test_readiness_that_never_comes(ready: dict[str, object], words: str) -> None:
    with pytest.raises(NodeFailed, match="node two") as caught:
        go(failing(1), two={"ready": [ready]})
    assert words in str(caught.value)


def test_a_node_that_died_is_a_failure_of_that_node() -> None:
    with pytest.raises(NodeFailed, match="one died at start") as caught:
        go(MemoryEngine(), one={"command": ["false"]})
    assert caught.value.log


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_fault_at_any_change_is_raised(number: int) -> None:
    engine = MemoryEngine()
    engine.fail_at[number] = EngineFault("pulled the plug")
    with pytest.raises(EngineFault, match="pulled the plug"):
        go(engine)
    assert not engine.observe("r").complete


def test_nothing_is_begun_once_cancelled() -> None:
    engine, stop = MemoryEngine(), threading.Event()
    stop.set()
    todo = plan("r", a_layout(), Observed("r"))
    with pytest.raises(KeyboardInterrupt):
        deploy(todo, OWNERSHIP, engine, MemorySwitchboard(engine), nowhere, cancelled=stop)
    assert engine.changes == []
