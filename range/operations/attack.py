"""Attack: run a scenario's steps in a live range, prove each one's effect, and clean up whatever happens.

Knows: the order of steps, what a proof is, and that benign activity runs beside.
Must never: judge a step, or run anything outside the range's own nodes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat

from range.acting import Order, Stage, act, entry, environment, nonce_for, pick
from range.errors import RangeError
from range.events import ActionEnded, StepStarted
from range.layout import NodeSpec
from range.ledger import Action, Effect
from range.scenario import Benign, Parallel, Scenario, Step
from range.topology import seconds


def attack(scenario: Scenario, stage: Stage) -> tuple[Action, ...]:
    """Every action done, steps and benign ones, in order of start. Clean-up is attempted on every way out."""
    done: dict[str, Action] = {}
    order = {step.id: number for number, step in enumerate(scenario.flat(), 1)}
    with _benign(scenario, stage) as beside:
        try:
            for item in scenario.steps:
                group = item.parallel if isinstance(item, Parallel) else (item,)
                with ThreadPoolExecutor(len(group)) as pool:
                    results = list(pool.map(_step, group, repeat(order), repeat(done), repeat(stage)))
                done |= {action.id: action for action in results}
                stage.clock.sleep(seconds(scenario.gap))
                if stage.cancelled.is_set():
                    raise KeyboardInterrupt
            stage.clock.sleep(seconds(scenario.settle))
        finally:
            for step in reversed(scenario.flat()):
                if step.id in done and not done[step.id].skipped:
                    done[step.id] = replace(done[step.id], cleanup_failed=_clean(step, stage))
    return tuple(sorted((*done.values(), *beside), key=lambda action: (action.start, action.id)))


def _step(step: Step, order: dict[str, int], done: dict[str, Action], stage: Stage) -> Action:
    stage.emit(StepStarted(stage.range_id, step.id, step.title, order[step.id], len(order)))
    ordered = _order(step, stage)
    missing = [other for other in step.requires if done[other].effect != "achieved"]
    if missing:
        action = _skipped(ordered, f"needs {', '.join(missing)}, which had no effect", stage)
    else:
        action = act(stage.range_id, ordered, stage.engine)
        effect, detail = _proof(step, ordered, action, stage)
        action = replace(action, effect=effect, effect_detail=detail)
    stage.emit(ActionEnded(stage.range_id, action))
    return action


def _order(step: Step, stage: Stage) -> Order:
    return Order(
        id=step.id,
        kind="step",
        source=pick(step.from_, stage.layout),
        target=pick(step.target, stage.layout),
        run=step.run,
        timeout=seconds(step.timeout),
        nonce=nonce_for(stage.trial_id, step.id),
        title=step.title,
        technique=step.technique,
        window=seconds(step.window),
        requires=step.requires,
    )


def _proof(step: Step, order: Order, action: Action, stage: Stage) -> tuple[Effect, str]:
    """Whether the step worked, and what says so."""
    proof = step.effect
    if proof.output is not None:
        found = re.search(proof.output, action.stdout)
        if found:
            return "achieved", f"its output has `{found.group()[:200]}`"
        return "absent", f"its output has nothing like `{proof.output}`"
    node = order.source if proof.on == "source" else order.target
    script = 'cd "$SCRATCH" 2>/dev/null; ' + (proof.run or "")
    try:
        ended = stage.engine.exec(
            stage.range_id,
            node.name,
            ["sh", "-c", script],
            env={**environment(order), "STEP_EXIT": str(action.exit_code)},
            timeout=seconds(proof.timeout),
        )
    except RangeError as error:
        return "unknown", f"the proof could not be run on {node.name}: {error}"
    said = (ended.stdout + ended.stderr).decode("utf-8", "replace").strip()[-300:]
    known: dict[int | None, Effect] = {0: "achieved", 1: "absent"}
    how = "timed out" if ended.timed_out else f"ended with {ended.exit_code}"
    return known.get(ended.exit_code, "unknown"), f"`{(proof.run or '').strip()[:200]}` on {node.name} {how}: {said}"


def _clean(step: Step, stage: Stage) -> str | None:
    """What went wrong with the clean-up, or None."""
    if step.cleanup is None:
        return None
    order = _order(step, stage)
    try:
        ended = stage.engine.exec(
            stage.range_id,
            order.source.name,
            ["sh", "-c", 'cd "$SCRATCH" 2>/dev/null; ' + step.cleanup],
            env=environment(order),
            timeout=10,
        )
    except RangeError as error:
        return str(error)
    if ended.exit_code == 0:
        return None
    return ended.stderr.decode("utf-8", "replace").strip()[-300:] or f"ended with {ended.exit_code}"


def _skipped(order: Order, why: str, stage: Stage) -> Action:
    now = stage.clock.now()
    return replace(entry(order, now, now), effect="absent", effect_detail="not run", skipped=why)


@contextmanager
def _benign(scenario: Scenario, stage: Stage) -> Iterator[list[Action]]:
    """Benign activity for as long as the block lasts: each kind on every node it comes from. Gives its ledger."""
    done: list[Action] = []
    over = threading.Event()
    threads = [
        threading.Thread(target=_again, args=(kind, node, stage, over, done), daemon=True)
        for kind in scenario.benign
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


def _again(kind: Benign, node: NodeSpec, stage: Stage, over: threading.Event, done: list[Action]) -> None:
    number = 0
    while not over.is_set() and not stage.cancelled.is_set():
        number += 1
        order = Order(
            id=f"{kind.id}@{node.name}#{number}",
            kind="benign",
            source=node,
            target=pick(kind.target, stage.layout),
            run=kind.run,
            timeout=seconds(kind.timeout),
            nonce=nonce_for(stage.trial_id, f"{kind.id}@{node.name}", number),
            title=kind.title,
            window=2.0,
        )
        try:
            action = act(stage.range_id, order, stage.engine)
        except RangeError as error:
            done.append(_skipped(order, str(error), stage))
            return
        done.append(replace(action, effect="achieved" if action.exit_code == 0 else "absent"))
        over.wait(seconds(kind.every))
