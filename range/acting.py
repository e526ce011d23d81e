"""Acting: run one command of a scenario in a node, with the environment every command gets, and record it.

Knows: the environment of range/scenario.py, and the shape of a ledger entry.
Must never: decide when something is run, or what it means.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from range import chance
from range.events import Sink
from range.layout import FileSpec, Layout, NodeSpec
from range.ledger import Action, ActionKind, Request, Tier
from range.ports import Clock, Engine
from range.selector import Selector

KEPT = 16_384
"""Characters of each output stream kept in the ledger."""

LONGEST = 100_000
"""Bytes of a script given on a command line; Linux allows 128 KiB. A longer one is put into a file first."""

SCRIPT = 'mkdir -p "$SCRATCH" && cd "$SCRATCH" || exit 125\n'
REQUEST = "@request "
"""How a line begins in which benign activity tells of one request: `{"what": "GET /", "seconds": 0.01, "ok": true}`."""


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
    shell: Literal["sh", "bash"] = "sh"
    seed: int = 0
    tier: Tier = "live"
    expected: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is played: a live range, its layout, and the trial's id, from which nonces come.

    `seed`: all chance comes from it; equal seeds make equal traffic. `payloads`: files by the name a step gives them.
    """

    range_id: str
    trial_id: str
    layout: Layout
    engine: Engine
    clock: Clock
    emit: Sink
    cancelled: threading.Event
    seed: int = 0
    payloads: Mapping[str, bytes] = field(default_factory=dict)


def nonce_for(trial_id: str, action_id: str, number: int = 0) -> str:
    """A word that is new for each action of each trial, and the same when asked again."""
    return "jr" + hashlib.sha256(f"{trial_id}/{action_id}/{number}".encode()).hexdigest()[:14]


def seed_for(seed: int, action_id: str) -> int:
    """The SEED of an action: the same in every trial that has this seed, whatever its arm."""
    return chance.number(seed, "seed", action_id)


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
        "SCRATCH": scratch(order),
        "SEED": str(order.seed),
    }


def scratch(order: Order) -> str:
    """The directory of this action, in its node."""
    return f"/tmp/jr-{order.nonce}"  # noqa: S108 (in the node, and named by the nonce)


def act(range_id: str, order: Order, engine: Engine) -> Action:
    """Run it and record it; the effect is still unknown. Raises RangeError when the node cannot be reached."""
    ended = engine.exec(
        range_id,
        order.source.name,
        [order.shell, "-c", _script(range_id, order, engine)],
        env=environment(order),
        timeout=order.timeout,
    )
    requests, output = _requests(ended.stdout) if order.kind == "benign" else ((), ended.stdout)
    return replace(
        entry(order, ended.start, ended.end),
        exit_code=ended.exit_code,
        timed_out=ended.timed_out,
        stdout=_shown(output),
        stderr=_shown(ended.stderr),
        requests=requests,
    )


def _script(range_id: str, order: Order, engine: Engine) -> str:
    """What the shell is given: the script word for word, or the name of a file that holds it."""
    if len(order.run.encode()) <= LONGEST:
        return SCRIPT + order.run
    path = f"{scratch(order)}.{order.shell}"
    engine.write(range_id, order.source.name, [FileSpec(path, order.run.encode())])
    return f"{SCRIPT}. {path}"


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
        tier=order.tier,
        expected=order.expected,
        forbidden=order.forbidden,
        weight=order.weight,
    )


def _requests(output: bytes) -> tuple[tuple[Request, ...], bytes]:
    """The requests that an output tells of, and the rest of it. A line that is not sound is just output."""
    mark = REQUEST.encode()
    if mark not in output:
        return (), output
    found: list[Request] = []
    rest: list[bytes] = []
    for line in output.splitlines(keepends=True):
        one = _request(line[len(mark) :]) if line.startswith(mark) else None
        if one is None:
            rest.append(line)
        else:
            found.append(one)
    return tuple(found), b"".join(rest)


def _request(text: bytes) -> Request | None:
    try:
        said = json.loads(text)
        what, length, served = said["what"], said["seconds"], said["ok"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    sound = isinstance(what, str) and isinstance(served, bool) and type(length) in (int, float) and 0 <= length < 1e6
    return Request(_whole(what[:200]), float(length), served) if sound else None


def _whole(text: str) -> str:
    """The text without half characters (lone surrogates), which JSON may name and no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text if len(text) <= KEPT else text[:KEPT] + f"\n... ({len(text) - KEPT} characters more)"
