"""A script of another project as a step."""

from __future__ import annotations

import subprocess

import pytest

from range.importing.assembling import Script, assembled, check, filled
from range.importing.items import Defaults, Item
from range.importing.overlay import Entry
from range.selector import Selector

ITEM = Item("one", "One", "f.yaml", "atomic", digest="0" * 64)
SCRIPT = Script(id="one", technique="T1082", shell="bash", run="uname -a\n", cleanup="rm x\n")
HERE = Defaults(Selector(role="web"))


def entry(**keys: object) -> Entry:
    return Entry.model_validate(keys)


def test_the_script_is_kept_word_for_word() -> None:
    item = assembled(ITEM, SCRIPT, entry(effect={"output": "Linux"}), HERE)
    step = item.step
    assert step is not None
    assert (step.run, step.shell, step.cleanup, step.prepare) == ("uname -a\n", "bash", "rm x\n", None)
    assert (str(step.from_), str(step.target), step.captured) == ("role web", "role web", False)
    assert item.outcome == "taken"


def test_without_a_proof_the_effect_stays_unknown() -> None:
    item = assembled(ITEM, SCRIPT, entry(), HERE)
    assert item.step is not None
    assert item.step.effect.run is not None
    assert subprocess.run(["sh", "-c", item.step.effect.run], check=False).returncode == 2
    assert "no proof of effect" in item.limits[0]


@pytest.mark.parametrize(("ended", "code"), [("0", 0), ("3", 1), ("None", 1)])
def test_an_exit_code_is_a_proof_only_when_the_overlay_says_so(ended: str, code: int) -> None:
    item = assembled(ITEM, SCRIPT, entry(effect="exit_code"), HERE)
    assert item.step is not None
    assert item.step.effect.run is not None
    run = subprocess.run(["sh", "-c", item.step.effect.run], env={"STEP_EXIT": ended}, check=False)
    assert run.returncode == code
    assert item.limits == ("an end with 0 is taken for its effect",)


def test_somebody_must_say_where_it_runs() -> None:
    item = assembled(ITEM, SCRIPT, entry(), Defaults())
    assert (item.step, "--from" in item.refused[0]) == (None, True)
    assert assembled(ITEM, SCRIPT, entry(**{"from": {"role": "pc"}}), Defaults()).step is not None


def test_another_test_than_the_overlay_was_written_for_is_refused() -> None:
    assert assembled(ITEM, SCRIPT, entry(sha256="0" * 64), HERE).step is not None
    item = assembled(ITEM, SCRIPT, entry(sha256="1" * 64), HERE)
    assert item.step is None
    assert "0000" in item.refused[0]


def test_a_lab_lifts_only_what_may_be_lifted() -> None:
    doubtful = Script(id="one", technique="T1082", shell="sh", run="iptables -L")
    harmful = Script(id="one", technique="T1082", shell="sh", run="true", cleanup="reboot")
    assert assembled(ITEM, doubtful, entry(), HERE).step is None
    assert assembled(ITEM, doubtful, entry(safe="lab"), HERE).step is not None
    assert assembled(ITEM, harmful, entry(safe="lab"), HERE).step is None
    assert assembled(ITEM, SCRIPT, entry(safe="deny"), HERE).refused == ("the overlay denies it",)


def test_peers_and_fixtures_come_before_prerequisites() -> None:
    script = Script(id="one", technique="T1082", shell="sh", run="curl http://c2.example.com", before=("true",))
    item = assembled(ITEM, script, entry(peers={"c2.example.com": "web"}, fixtures="touch /tmp/x"), HERE)
    assert item.step is not None
    assert item.step.prepare is not None
    lines = item.step.prepare.splitlines()
    assert "getent hosts web" in lines[0]
    assert "c2.example.com >> /etc/hosts" in lines[1]
    assert "touch /tmp/x" in lines[2]
    assert lines[-1] == "true"
    assert subprocess.run(["sh", "-n", "-c", item.step.prepare], check=False).returncode == 0


def test_capabilities_and_repeats_are_told() -> None:
    item = assembled(ITEM, SCRIPT, entry(effect={"output": "x"}, caps=["NET_RAW"], idempotent=False), HERE)
    assert item.limits == ("its node needs NET_RAW from the topology", "it cannot run twice in one range")


def test_a_prerequisite_says_which_it_was() -> None:
    line = check("sh", "it's=1\nexit 3\n", "that 'thing'")
    ended = subprocess.run(["sh", "-c", line + "\necho on"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "not met: that 'thing'" in ended.stderr


def test_arguments_are_filled_in_exactly() -> None:
    assert filled("a #{x} $#{x} #{y.z} ${x} #{}", {"x": "1 #{y.z}"}) == (
        "a 1 #{y.z} $1 #{y.z} #{y.z} ${x} #{}",
        ("y.z",),
    )
