"""Canary: show every tool something it must see, and wait until it says so. A tool that does not is no witness.

Knows: that a canary counts only when an alert of its rule came after it was sent.
Must never: judge a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from range.acting import Order, Stage, act, nonce_for, pick
from range.events import ActionEnded
from range.ledger import Action, Alert, CanaryResult
from range.tool import Canary, Tool
from range.topology import seconds

WaitFor = Callable[[Callable[[Alert], bool], float], Alert | None]
"""range.operations.collect.Collector.wait_for: the first alert wanted within so many seconds."""


def canary(
    tools: Iterable[Tool], when: Literal["before", "after"], stage: Stage, wait_for: WaitFor
) -> tuple[tuple[CanaryResult, Action], ...]:
    """One result and one ledger entry for each tool that has a canary, all at the same time."""
    watched = [(tool, tool.canary) for tool in tools if tool.canary is not None]
    if not watched:
        return ()
    with ThreadPoolExecutor(len(watched)) as pool:
        return tuple(pool.map(lambda pair: _one(pair[0], pair[1], when, stage, wait_for), watched))


def _one(
    tool: Tool, wanted: Canary, when: Literal["before", "after"], stage: Stage, wait_for: WaitFor
) -> tuple[CanaryResult, Action]:
    name = f"canary-{tool.name}-{when}"
    order = Order(
        id=name,
        kind="canary",
        source=pick(wanted.from_, stage.layout),
        target=pick(wanted.target, stage.layout),
        run=wanted.run,
        timeout=seconds(wanted.timeout),
        nonce=nonce_for(stage.trial_id, name),
        title=f"canary of {tool.name}",
    )
    action = act(stage.range_id, order, stage.engine)
    stage.emit(ActionEnded(stage.range_id, action))

    def mine(alert: Alert) -> bool:
        return alert.tool == tool.name and alert.rule == wanted.rule and alert.seen >= action.start

    alert = wait_for(mine, seconds(wanted.timeout))
    return CanaryResult(tool.name, when, order.nonce, action.start, alert.seen if alert else None), action
