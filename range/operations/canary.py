"""Canary: show every tool something it must see, and wait until it says so. A tool that does not is no witness.

Knows: that a canary counts only when an alert of its rule came after it was sent, by a clock that is right: what a
tool says with the time of another hour is in no step's window and in no benign-only time.
Must never: judge a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from range.acting import Order, Stage, act, nonce_for, pick, seed_for
from range.events import ActionEnded
from range.ledger import Action, Alert, CanaryResult, Moment
from range.tool import Canary, Tool
from range.topology import seconds

WaitFor = Callable[[Callable[[Alert], bool], float], Alert | None]
"""range.operations.collect.Collector.wait_for: the first alert wanted within so many seconds."""

SKEW = 1.0
"""Seconds a tool's clock may be wrong: an older alert is about an earlier canary, and none is from the future."""


def canary(
    tools: Iterable[Tool], when: Moment, stage: Stage, wait_for: WaitFor, number: int = 0
) -> tuple[tuple[CanaryResult, Action], ...]:
    """One result and one ledger entry for each tool that has a canary, all at the same time.

    `number`: which one between two blocks of steps this is, from 1.
    """
    watched = [(tool, tool.canary) for tool in tools if tool.canary is not None]
    if not watched:
        return ()
    moment = f"{when}-{number}" if number else when
    with ThreadPoolExecutor(len(watched)) as pool:
        return tuple(pool.map(lambda pair: _one(pair[0], pair[1], when, moment, stage, wait_for), watched))


def _one(
    tool: Tool, wanted: Canary, when: Moment, moment: str, stage: Stage, wait_for: WaitFor
) -> tuple[CanaryResult, Action]:
    name = f"canary-{tool.name}-{moment}"
    order = Order(
        id=name,
        kind="canary",
        source=pick(wanted.from_, stage.layout),
        target=pick(wanted.target, stage.layout),
        run=wanted.run,
        timeout=seconds(wanted.timeout),
        nonce=nonce_for(stage.trial_id, name),
        title=f"canary of {tool.name}",
        seed=seed_for(stage.seed, name),
    )
    action = act(stage.range_id, order, stage.engine)
    stage.emit(ActionEnded(stage.range_id, action))

    def mine(alert: Alert) -> bool:
        about = alert.seen >= action.start and alert.time + alert.resolution >= action.start - SKEW
        possible = alert.time <= alert.seen + SKEW
        return alert.tool == tool.name and alert.rule == wanted.rule and about and possible

    alert = wait_for(mine, seconds(wanted.timeout))
    return CanaryResult(tool.name, when, order.nonce, action.start, alert.seen if alert else None), action
