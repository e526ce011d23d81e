"""Attack: steps and null steps in order, in blocks; proofs, files, replays, clean-up always."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.acting import Stage
from range.errors import NodeFailed
from range.events import ActionEnded, Event, StepStarted
from range.ledger import Action
from range.operations.attack import Attack, Null, blocks, chosen
from range.ports import ExecResult
from range.scenario import Scenario
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.pcaps import a_pcap, tcp
from tests.unit.topologies import a_layout, a_scenario, up


class Script:
    """Answers by the last line of the shell command; remembers what ran, with its environment."""

    def __init__(self, **answers: ExecResult | Exception) -> None:
        self.answers = {words.replace("_", " "): answer for words, answer in answers.items()}
        self.ran: list[tuple[str, str, Mapping[str, str]]] = []
        self.engine = MemoryEngine()

    def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        line = argv[-1].rpartition("\n")[2].removeprefix('cd "$SCRATCH" 2>/dev/null; ')
        self.ran.append((node, line, env))
        answer = self.answers.get(line, said("worked", seconds=1))
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(
    script: Script,
    *steps: dict[str, Any],
    stop: threading.Event | None = None,
    payloads: Mapping[str, bytes] | None = None,
    node: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Action]:
    """The steps' ledger, after the clean-up; without the null step there is for so few."""
    engine = script.engine
    engine.answer = script
    layout = a_layout(one=node or {})
    up(memory_ports(engine), layout)
    script.ran.clear()
    events: list[Event] = []
    stage = Stage(
        "r", "trial", layout, engine, engine.clock, events.append, stop or threading.Event(), 7, payloads or {}
    )
    with Attack(a_scenario(*steps, **changes), stage) as attack:
        for block in attack.blocks:
            attack.run(block)
        attack.settle()
    ended = {event.action.id for event in events if isinstance(event, ActionEnded)}
    done = {action.id: action for action in attack.actions()}
    assert ended == set(done)
    assert {event.step for event in events if isinstance(event, StepStarted)} == {
        name for name in ended if done[name].kind == "step"
    }
    null = done.pop("null-1")
    assert (null.kind, null.command, null.source, null.exit_code) == ("null", ":", "one", 0)
    script.ran = [one for one in script.ran if one[1] != ":"]
    return done


def test_steps_run_in_order_from_their_source() -> None:
    script = Script()
    done = play(script, {"id": "a"}, {"id": "b"})
    assert [(node, line) for node, line, _ in script.ran] == [("one", "do a"), ("one", "do b")]
    assert script.ran[0][2]["TARGET_NAME"] == "two"
    assert script.ran[0][2]["NONCE"] != script.ran[1][2]["NONCE"]
    assert done["b"].start - done["a"].end in (1.0, 3.0), "a gap; two and a null step, if it came between"


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
    undone = done["a/cleanup"]
    assert (undone.kind, undone.nonce, undone.technique) == ("cleanup", done["a"].nonce, done["a"].technique)
    assert undone.start >= done["b/cleanup"].end >= done["b"].end


def test_cleanup_is_attempted_after_an_interrupt() -> None:
    stop = threading.Event()

    class Stopping(Script):
        def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
            if argv[-1].endswith("do a"):
                stop.set()
            return super().__call__(node, argv, env)

    script = Stopping()
    with pytest.raises(KeyboardInterrupt):
        play(script, {"id": "a", "cleanup": "tidy"}, {"id": "b"}, stop=stop)
    assert [line for _, line, _ in script.ran if line != ":"] == ["do a", "tidy"]


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


def test_files_are_there_before_the_step_and_its_shell_is_the_one_named() -> None:
    script = Script()
    step = {"id": "a", "shell": "bash", "payloads": {"/opt/x": "x.sh"}, "cleanup": "tidy"}
    play(script, step, payloads={"x.sh": b"echo x"})
    assert script.engine.range_of("r").nodes["one"].files["/opt/x"] == b"echo x"
    shells = [argv[0] for node, argv in script.engine.calls if argv[-1].endswith(("do a", "tidy"))]
    assert shells == ["bash", "bash"]


def test_a_replay_is_proved_by_what_the_player_says_or_says_why_not() -> None:
    step = {"id": "a", "run": None, "replay": "a.pcap", "effect": {"output": "played 1 packets"}}
    pcap = a_pcap((1.0, tcp("10.0.0.1", "10.0.0.2", 1, 2)))
    script = Script()
    found = play(script, step, payloads={"a.pcap": pcap})["a"]
    assert (found.effect, found.tier) == ("unknown", "replay")
    assert "NET_RAW" in found.effect_detail

    class Player(Script):
        def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
            return said("played 1 packets on eth0\n") if ".player" in argv[-1] else super().__call__(node, argv, env)

    found = play(Player(), step, payloads={"a.pcap": pcap}, node={"capabilities": ["NET_RAW"]})["a"]
    assert (found.effect, found.command) == ("achieved", "replay a.pcap")


def test_what_is_expected_and_how_much_it_weighs_is_in_the_ledger() -> None:
    found = play(Script(), {"id": "a", "expect": {"rules": ["1"], "never": ["2"]}, "weight": 2.5})["a"]
    assert (found.expected, found.forbidden, found.weight) == (("1",), ("2",), 2.5)


def numbered(count: int, **changes: Any) -> Scenario:
    return a_scenario(*({"id": f"s{number}"} for number in range(count)), **changes)


@given(st.integers(1, 45), st.integers(1, 12), st.integers(0, 2**60))
def test_one_null_step_for_ten_where_the_seed_says_and_every_step_once_in_order(
    count: int, size: int, seed: int
) -> None:
    scenario = numbered(count, block=size)
    made = blocks(scenario, seed)
    assert made == blocks(scenario, seed)
    items = [item for block in made for item in block]
    assert [item for item in items if not isinstance(item, Null)] == list(scenario.steps)
    nulls = [item for item in items if isinstance(item, Null)]
    assert [null.id for null in nulls] == [f"null-{number}" for number in range(1, (count + 9) // 10 + 1)]
    for number, null in enumerate(nulls):
        assert null.like in scenario.flat()[10 * number : 10 * number + 10]
        assert items[items.index(null) + 1] == null.like
    assert all(sum(not isinstance(item, Null) for item in block) == size for block in made[:-1])


def test_the_seed_moves_null_steps() -> None:
    made = [blocks(numbered(10), seed) for seed in range(60)]
    places = {next(item.like.id for item in block if isinstance(item, Null)) for [block] in made}
    assert len(places) == 10


def test_only_what_is_asked_for_and_what_it_requires() -> None:
    group = [{"parallel": a_scenario({"id": "b", "requires": ["a"]}, {"id": "c"}).model_dump(by_alias=True)["steps"]}]
    plain = a_scenario({"id": "a"}, {"id": "d", "requires": ["b"]}).model_dump(by_alias=True)["steps"]
    whole = a_scenario(steps=[plain[0], *group, plain[1]])
    assert chosen(whole, ()) is whole
    assert [step.id for step in chosen(whole, ("d",)).steps] == ["a", "b", "d"]
    both = chosen(whole, ("b", "c"))
    assert [step.id for step in both.flat()] == ["a", "b", "c"]
    assert len(both.steps) == 2
    with pytest.raises(KeyError):
        chosen(whole, ("nobody",))


def test_a_step_whose_preparation_says_no_is_not_run() -> None:
    script = Script(get_ready=said(code=3, stderr="not met: a program"))
    done = play(script, {"id": "a", "prepare": "get ready", "cleanup": "clean up"})
    assert (done["a"].skipped, done["a"].exit_code) == ("not met: a program", None)
    assert [line for _, line, _ in script.ran] == ["get ready"]


def test_a_step_is_run_after_its_preparation() -> None:
    script = Script()
    done = play(script, {"id": "a", "prepare": "get ready"})
    assert (done["a"].skipped, done["a"].command) == (None, "do a")
    assert [line for _, line, _ in script.ran] == ["get ready", "do a"]


@pytest.mark.parametrize(("answer", "why"), [(said(code=3), "ended with 3"), (said(seconds=99), "timed out")])
def test_a_silent_preparation_is_told_too(answer: ExecResult, why: str) -> None:
    done = play(Script(get_ready=answer), {"id": "a", "prepare": "get ready"})
    assert why in str(done["a"].skipped)
