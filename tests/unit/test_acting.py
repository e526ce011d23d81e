"""One command of a scenario: its environment, its record, its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.acting import KEPT, LONGEST, Order, act, environment, nonce_for, pick, seed_for
from range.ledger import Request
from range.selector import Selector
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import a_layout, up

LAYOUT = a_layout()


def an_order(run: str = "scan", timeout: float = 30) -> Order:
    return Order("scan", "step", LAYOUT.node("one"), LAYOUT.node("two"), run, timeout, "jrabc", technique="T1046")


def test_a_nonce_is_new_for_each_action_and_the_same_when_asked_again() -> None:
    words = {nonce_for(trial, action, number) for trial in "ab" for action in ("x", "y") for number in (0, 1)}
    assert len(words) == 8
    assert nonce_for("a", "x") == nonce_for("a", "x", 0)
    assert all(word.isalnum() and len(word) == 16 for word in words)


def test_the_environment_names_both_ends() -> None:
    found = environment(an_order())
    assert found["SOURCE"] == LAYOUT.node("one").address()
    assert found["TARGET"] == LAYOUT.node("two").address()
    assert (found["SOURCE_NAME"], found["TARGET_NAME"], found["STEP"]) == ("one", "two", "scan")
    assert found["NONCE"] in found["SCRATCH"]
    assert found["SEED"] == "0"


def test_a_seed_is_the_same_wherever_the_action_is_and_another_for_another_action() -> None:
    assert seed_for(1, "scan") == seed_for(1, "scan")
    assert len({seed_for(seed, name) for seed in (1, 2) for name in ("scan", "browse@pc#1")}) == 4
    assert environment(replace(an_order(), seed=seed_for(1, "scan")))["SEED"] == str(seed_for(1, "scan"))


def test_the_script_is_given_word_for_word_to_the_shell_that_is_named() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), LAYOUT)
    script = "a=(1 2)\nprintf '%s\\n' \"${a[@]}\"  # 'quoted'\n"
    act("r", replace(an_order(script), shell="bash"), engine)
    _, argv = engine.calls[-1]
    assert argv[:2] == ("bash", "-c")
    assert argv[2].endswith("\n" + script)


def test_a_script_too_long_for_a_command_line_becomes_a_file() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), LAYOUT)
    script = "# long\n" * LONGEST
    action = act("r", an_order(script), engine)
    _, argv = engine.calls[-1]
    assert len(argv[2]) < 1000
    assert engine.range_of("r").nodes["one"].files[argv[2].rpartition(". ")[2]] == script.encode()
    assert action.command == script


def test_benign_activity_tells_of_its_requests_and_bad_lines_are_just_output() -> None:
    bad = ["@request", "@request {", '@request {"what": 1, "seconds": 1, "ok": true}', "@request []",
           '@request {"what": "x", "seconds": NaN, "ok": true}', '@request {"what": "x", "seconds": true, "ok": true}',
           '@request {"what": "x", "seconds": -1, "ok": true}', '@request {"what": "x", "seconds": 1}']  # fmt: skip
    good = '@request {"what": "GET /", "seconds": 0.012, "ok": true}'
    text = "\n".join(["hello", good, *bad, good.replace("true", "false"), "bye"])
    engine = MemoryEngine(answer=lambda node, argv, env: said(text))
    up(memory_ports(engine), LAYOUT)
    action = act("r", replace(an_order(), kind="benign"), engine)
    assert action.requests == (Request("GET /", 0.012, True), Request("GET /", 0.012, False))
    assert action.stdout == "\n".join(["hello", *bad, "bye"])
    step = act("r", an_order(), engine)
    assert (step.requests, step.stdout) == ((), text)


def test_half_a_character_in_what_was_asked_for_is_not_kept() -> None:
    text = '@request {"what": "GET /\\ud800", "seconds": 1, "ok": true}\n'
    engine = MemoryEngine(answer=lambda node, argv, env: said(text))
    up(memory_ports(engine), LAYOUT)
    [request] = act("r", replace(an_order(), kind="benign"), engine).requests
    assert request.what == "GET /?"


def test_what_a_step_is_expected_to_raise_and_weighs_is_in_the_ledger() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), LAYOUT)
    action = act("r", replace(an_order(), expected=("1",), forbidden=("2",), weight=3.0, tier="replay"), engine)
    assert (action.expected, action.forbidden, action.weight, action.tier) == (("1",), ("2",), 3.0, "replay")


def test_what_was_done_is_recorded_on_the_trials_clock() -> None:
    engine = MemoryEngine(answer=lambda node, argv, env: said("x" * (KEPT + 5), "no", 3, seconds=2.5))
    up(memory_ports(engine), LAYOUT)
    action = act("r", an_order(), engine)
    assert (action.exit_code, action.timed_out, action.technique) == (3, False, "T1046")
    assert action.end - action.start == 2.5
    assert action.stdout.endswith("(5 characters more)")
    assert action.stderr == "no"
    assert action.effect == "unknown"
    late = act("r", an_order(timeout=1), engine)
    assert (late.exit_code, late.timed_out, late.end - late.start) == (None, True, 1.0)


def test_a_place_is_the_first_node_that_fits() -> None:
    assert pick(Selector(role="server"), LAYOUT).name == "two"
    with pytest.raises(LookupError, match="role nobody"):
        pick(Selector(role="nobody"), LAYOUT)
