"""Attack: steps in order, proofs, clean-up always, benign activity beside."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from range.acting import Stage
from range.errors import NodeFailed
from range.events import ActionEnded, Event, StepStarted
from range.ledger import Action
from range.operations.attack import attack
from range.ports import ExecResult
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import a_layout, a_scenario, up


class Script:
    """Answers by the last line of the shell command; remembers what ran, with its environment."""

    def __init__(self, **answers: ExecResult | Exception) -> None:
        self.answers = {words.replace("_", " "): answer for words, answer in answers.items()}
        self.ran: list[tuple[str, str, Mapping[str, str]]] = []

    def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        line = argv[-1].rpartition("\n")[2].removeprefix('cd "$SCRATCH" 2>/dev/null; ')
        self.ran.append((node, line, env))
        answer = self.answers.get(line, said("worked", seconds=1))
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(
    script: Script, *steps: dict[str, Any], stop: threading.Event | None = None, **changes: Any
) -> dict[str, Action]:
    engine = MemoryEngine(answer=script)
    layout = a_layout()
    up(memory_ports(engine), layout)
    script.ran.clear()
    events: list[Event] = []
    stage = Stage("r", "trial", layout, engine, engine.clock, events.append, stop or threading.Event())
    done = attack(a_scenario(*steps, **changes), stage)
    ended = {event.action.id for event in events if isinstance(event, ActionEnded)}
    assert {event.step for event in events if isinstance(event, StepStarted)} == ended
    return {action.id: action for action in done}


def test_steps_run_in_order_from_their_source() -> None:
    script = Script()
    done = play(script, {"id": "a"}, {"id": "b"})
    assert [(node, line) for node, line, _ in script.ran] == [("one", "do a"), ("one", "do b")]
    assert script.ran[0][2]["TARGET_NAME"] == "two"
    assert script.ran[0][2]["NONCE"] != script.ran[1][2]["NONCE"]
    assert done["b"].start - done["a"].end == pytest.approx(1.0), "the gap"


@pytest.mark.parametrize(
    ("effect", "answers", "wanted"),
    [
        ({"output": "wor.ed"}, {}, "achieved"),
        ({"output": "secret"}, {}, "absent"),
        ({"run": "prove"}, {"prove": said()}, "achieved"),
        ({"run": "prove"}, {"prove": said(code=1)}, "absent"),
        ({"run": "prove"}, {"prove": said(code=2, stderr="no such tool")}, "unknown"),
        ({"run": "prove", "timeout": "1s"}, {"prove": said(seconds=5)}, "unknown"),
        ({"run": "prove"}, {"prove": NodeFailed("two is dead")}, "unknown"),
    ],
)
def test_a_proof_decides_the_effect(effect: dict[str, str], answers: dict[str, Any], wanted: str) -> None:
    done = play(Script(**answers), {"id": "a", "effect": effect})
    assert done["a"].effect == wanted
    assert done["a"].effect_detail


def test_a_proof_runs_where_it_is_told_and_knows_the_steps_exit_code() -> None:
    script = Script(do_a=said(code=9))
    play(script, {"id": "a", "effect": {"run": "prove"}})
    node, _, env = script.ran[1]
    assert (node, env["STEP_EXIT"]) == ("two", "9")
    script = Script()
    play(script, {"id": "a", "effect": {"run": "prove", "on": "source"}})
    assert script.ran[1][0] == "one"


def test_a_step_whose_need_had_no_effect_is_skipped() -> None:
    script = Script(do_a=said("nothing"))
    done = play(script, {"id": "a"}, {"id": "b", "requires": ["a"], "cleanup": "tidy"})
    assert "needs a" in (done["b"].skipped or "")
    assert done["b"].effect == "absent"
    assert [line for _, line, _ in script.ran] == ["do a"]


def test_cleanup_is_attempted_backwards_and_its_failure_kept() -> None:
    script = Script(tidy_b=said(code=1, stderr="busy"))
    done = play(script, {"id": "a", "cleanup": "tidy a"}, {"id": "b", "cleanup": "tidy b"})
    assert [line for _, line, _ in script.ran][-2:] == ["tidy b", "tidy a"]
    assert (done["a"].cleanup_failed, done["b"].cleanup_failed) == (None, "busy")


def test_cleanup_is_attempted_after_an_interrupt() -> None:
    stop = threading.Event()
    script = Script()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        play(script, {"id": "a", "cleanup": "tidy"}, {"id": "b"}, stop=stop)
    assert [line for _, line, _ in script.ran] == ["do a", "tidy"]


def test_a_group_runs_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    class Meet(Script):
        def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
            if argv[-1].endswith(("do a", "do b")):
                meeting.wait()
            return super().__call__(node, argv, env)

    steps = a_scenario({"id": "a"}, {"id": "b"}).model_dump(by_alias=True)["steps"]
    done = play(Meet(), {"id": "z"}, steps=[{"parallel": steps}])
    assert set(done) == {"a", "b"}


def test_benign_activity_runs_beside_and_is_in_the_ledger() -> None:
    seen = threading.Event()

    class Wait(Script):
        def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
            if argv[-1].endswith("browse"):
                seen.set()
            else:
                assert seen.wait(20), "no benign activity beside the step"
            return super().__call__(node, argv, env)

    benign = {"id": "browse", "title": "Browse", "from": {"role": "server"}, "target": {"role": "client"},
              "run": "browse", "every": "10ms"}  # fmt: skip
    done = play(Wait(), {"id": "a"}, benign=[benign])
    assert done["a"].effect == "achieved"
    first = done["browse@two#1"]
    assert (first.kind, first.source, first.effect) == ("benign", "two", "achieved")
