"""Acting: run one command of a scenario in a node, with the environment every command gets, and record it.

Knows: the environment of range/scenario.py, and the shape of a ledger entry.
Must never: decide when something is run, or what it means.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace

from range.events import Sink
from range.layout import Layout, NodeSpec
from range.ledger import Action, ActionKind
from range.ports import Clock, Engine
from range.selector import Selector

KEPT = 16_384
"""Characters of each output stream kept in the ledger."""

SCRIPT = 'mkdir -p "$SCRATCH" && cd "$SCRATCH" || exit 125\n'


@dataclass(frozen=True, slots=True)
class Order:
    """One command to run: who, to whom, what, and for how long at most (seconds)."""

    id: str
    kind: ActionKind
    source: NodeSpec
    target: NodeSpec
    run: str
    timeout: float
    nonce: str
    title: str = ""
    technique: str | None = None
    window: float = 10.0
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is played: a live range, its layout, and the trial's id, from which nonces come."""

    range_id: str
    trial_id: str
    layout: Layout
    engine: Engine
    clock: Clock
    emit: Sink
    cancelled: threading.Event


def nonce_for(trial_id: str, action_id: str, number: int = 0) -> str:
    """A word that is new for each action of each trial, and the same when asked again."""
    return "jr" + hashlib.sha256(f"{trial_id}/{action_id}/{number}".encode()).hexdigest()[:14]


def pick(selector: Selector, layout: Layout) -> NodeSpec:
    """The first node meant; that there is one was checked at plan time. Raises LookupError."""
    nodes = selector.nodes(layout)
    if not nodes:
        raise LookupError(f"no node has {selector}")
    return nodes[0]


def environment(order: Order) -> dict[str, str]:
    """What every command of a scenario finds in its environment (range/scenario.py lists it)."""
    return {
        "NONCE": order.nonce,
        "SOURCE": order.source.address() or "",
        "SOURCE_NAME": order.source.name,
        "TARGET": order.target.address() or "",
        "TARGET_NAME": order.target.name,
        "STEP": order.id,
        "SCRATCH": f"/tmp/jr-{order.nonce}",  # noqa: S108 (in the node, and named by the nonce)
    }


def act(range_id: str, order: Order, engine: Engine) -> Action:
    """Run it and record it; the effect is still unknown. Raises RangeError when the node cannot be reached."""
    ended = engine.exec(
        range_id,
        order.source.name,
        ["sh", "-c", SCRIPT + order.run],
        env=environment(order),
        timeout=order.timeout,
    )
    return replace(
        entry(order, ended.start, ended.end),
        exit_code=ended.exit_code,
        timed_out=ended.timed_out,
        stdout=_shown(ended.stdout),
        stderr=_shown(ended.stderr),
    )


def entry(order: Order, start: float, end: float) -> Action:
    """The ledger entry of an order, before anyone knows how it ended."""
    return Action(
        id=order.id,
        kind=order.kind,
        source=order.source.name,
        target=order.target.name,
        source_address=order.source.address() or "",
        target_address=order.target.address() or "",
        nonce=order.nonce,
        command=order.run,
        start=start,
        end=end,
        exit_code=None,
        title=order.title,
        technique=order.technique,
        window=order.window,
        requires=order.requires,
    )


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text if len(text) <= KEPT else text[:KEPT] + f"\n... ({len(text) - KEPT} characters more)"
