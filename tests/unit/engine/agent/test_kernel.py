"""The probes themselves run only in a fabric (tests/engine/test_bench.py); here, that they tidy up and tell why."""

from __future__ import annotations

from range.engine.agent.kernel import PROBES, tried


def test_every_device_that_is_made_is_one_that_is_removed() -> None:
    made = {command[3] for _, commands in PROBES for command in commands if command[:3] == ("ip", "link", "add")}
    assert made == {"vkernel", "bkernel"}


def test_a_command_that_works_says_nothing() -> None:
    assert tried(("true",)) == ""


def test_a_command_that_fails_says_why() -> None:
    assert tried(("sh", "-c", "echo no such qdisc >&2; exit 2")) == "no such qdisc"
    assert tried(("false",)) == "`false` failed"
