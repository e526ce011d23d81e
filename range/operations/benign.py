"""Benign: what ordinary users do beside everything else, each kind on every node it comes from, again and again.

Knows: that pauses of chance, and every command's SEED, come from the trial's seed, and not from its arm: so equal
seeds give equal traffic. Must never: end a trial because one user could do nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from range import chance
from range.acting import Order, Stage, act, entry, nonce_for, pick, seed_for
from range.errors import RangeError
from range.events import ActionEnded
from range.layout import NodeSpec
from range.ledger import Action
from range.scenario import Benign
from range.topology import seconds


@contextmanager
def benign(kinds: Iterable[Benign], stage: Stage) -> Iterator[list[Action]]:
    """Benign activity for as long as the block lasts; what was begun is finished. Gives its ledger, which grows."""
    done: list[Action] = []
    over = threading.Event()
    threads = [
        threading.Thread(target=_again, args=(kind, node, stage, over, done), daemon=True)
        for kind in kinds
        for node in kind.from_.nodes(stage.layout)
    ]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        over.set()
        for thread in threads:
            thread.join()


def pause(kind: Benign, node: str, number: int, seed: int) -> float:
    """Seconds of rest after the activity of this number (from 1) on this node."""
    mean = seconds(kind.every)
    return mean if kind.pace == "steady" else chance.waiting(mean, seed, "pause", kind.id, node, number)


def _again(kind: Benign, node: NodeSpec, stage: Stage, over: threading.Event, done: list[Action]) -> None:
    number = 0
    while not over.is_set() and not stage.cancelled.is_set():
        number += 1
        name = f"{kind.id}@{node.name}"
        order = Order(
            id=f"{name}#{number}",
            kind="benign",
            source=node,
            target=pick(kind.target, stage.layout),
            run=kind.run,
            timeout=seconds(kind.timeout),
            nonce=nonce_for(stage.trial_id, name, number),
            title=kind.title,
            window=2.0,
            seed=seed_for(stage.seed, f"{name}#{number}"),
        )
        try:
            action = act(stage.range_id, order, stage.engine)
        except RangeError as error:
            now = stage.clock.now()
            why = str(error)
            done.append(replace(entry(order, now, now), effect="absent", effect_detail="not run", skipped=why))
            return
        action = replace(action, effect="achieved" if action.exit_code == 0 else "absent")
        done.append(action)
        stage.emit(ActionEnded(stage.range_id, action))
        over.wait(pause(kind, node.name, number, stage.seed))
