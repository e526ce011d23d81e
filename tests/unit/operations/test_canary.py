"""Canaries: a tool that says so was seen; one that does not was not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from range.acting import Stage
from range.events import nowhere
from range.ledger import Alert
from range.operations.canary import canary
from range.testing.clock import START
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from tests.builders import an_alert
from tests.unit.topologies import a_layout, a_tool, up

SHOW = {"from": {"role": "client"}, "target": {"role": "server"}, "run": "show it", "rule": "99"}


def a_stage() -> Stage:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    return Stage("r", "trial", a_layout(), engine, engine.clock, nowhere, threading.Event())


def answering(*alerts: Alert) -> Callable[[Callable[[Alert], bool], float], Alert | None]:
    return lambda wanted, _timeout: next((alert for alert in alerts if wanted(alert)), None)


def test_one_that_is_seen() -> None:
    alert = an_alert(tool="watch", rule="99", seen=START + 7)
    [(result, action)] = canary([a_tool(canary=SHOW), a_tool("blind")], "before", a_stage(), answering(alert))
    assert (result.tool, result.when, result.seen) == ("watch", "before", START + 7)
    assert (action.kind, action.source, action.target, action.command) == ("canary", "one", "two", "show it")
    assert result.nonce == action.nonce


def test_an_older_alert_or_another_tools_or_rules_is_no_answer() -> None:
    good = an_alert(tool="watch", rule="99", seen=START + 7)
    old = replace(good, time=START - 5)
    assert canary([a_tool(canary=SHOW)], "after", a_stage(), answering(replace(old, resolution=5)))[0][0].seen
    for other in (replace(good, seen=START - 1), replace(good, tool="other"), replace(good, rule="98"), old):
        [(result, _)] = canary([a_tool(canary=SHOW)], "after", a_stage(), answering(other))
        assert result.seen is None


def test_a_tool_whose_clock_is_ahead_is_no_witness() -> None:
    """Its alarms would lie beyond every window, so nobody would ever see them."""
    ahead = an_alert(tool="watch", rule="99", time=START + 3600, seen=START + 7)
    [(result, _)] = canary([a_tool(canary=SHOW)], "before", a_stage(), answering(ahead))
    assert result.seen is None
    near = replace(ahead, time=START + 7.9)
    assert canary([a_tool(canary=SHOW)], "before", a_stage(), answering(near))[0][0].seen == START + 7


def test_without_canaries_nothing_is_done() -> None:
    stage = a_stage()
    assert canary([a_tool()], "before", stage, answering()) == ()


def test_each_between_two_blocks_is_another() -> None:
    rounds = [canary([a_tool(canary=SHOW)], "between", a_stage(), answering(), number)[0] for number in (1, 2)]
    assert [result.when for result, _ in rounds] == ["between", "between"]
    assert [action.id for _, action in rounds] == ["canary-watch-between-1", "canary-watch-between-2"]
    assert rounds[0][0].nonce != rounds[1][0].nonce
