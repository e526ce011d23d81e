"""Attack: run a scenario's steps in a live range, prove each one's effect, and clean up whatever happens.

Knows: the order of steps and null steps, what a proof is, and that a clean-up is attempted on every way out.
Must never: judge a step, or run anything outside the range's own nodes.

    with Attack(scenario, stage) as attack:
        for block in attack.blocks:
            attack.run(block)
    attack.actions()        after the clean-up
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType

from range import chance
from range.acting import Order, Stage, act, entry, environment, nonce_for, pick, seed_for
from range.errors import RangeError
from range.events import ActionEnded, StepStarted
from range.layout import FileSpec
from range.ledger import Action, Effect
from range.replaying import replay
from range.scenario import Parallel, Scenario, Step
from range.topology import seconds

STEPS_FOR_A_NULL = 10
"""For every so many steps begun there is one null step."""

CLEANUP_WINDOW = 1.0
"""Seconds after a clean-up in which an alert may still be about it."""


@dataclass(frozen=True, slots=True)
class Null:
    """A step that does nothing, in the way of the step `like`: from its source, to its target, in the same shell."""

    id: str
    like: Step


Item = Step | Parallel | Null


def chosen(scenario: Scenario, only: Sequence[str]) -> Scenario:
    """The scenario with just these steps and those they require, in the order written. All of it when `only` is empty.

    Raises KeyError for a step that is not there.
    """
    if not only:
        return scenario
    steps = {step.id: step for step in scenario.flat()}
    wanted: set[str] = set()
    todo = list(only)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += steps[name].requires
    kept: list[Step | Parallel] = []
    for item in scenario.steps:
        group = tuple(step for step in _steps(item) if step.id in wanted)
        if len(group) > 1:
            kept.append(Parallel(parallel=group))
        else:
            kept += group
    return scenario.model_copy(update={"steps": tuple(kept)})


def blocks(scenario: Scenario, seed: int) -> tuple[tuple[Item, ...], ...]:
    """The steps in blocks of `scenario.block` (a group is never torn), null steps in places that the seed chooses.

    Canaries go between blocks.
    """
    nulls = {
        ten[int(chance.fraction(seed, "null", number) * len(ten))].id: f"null-{number}"
        for number, ten in enumerate(_tens(scenario.flat()), 1)
    }
    made: list[list[Item]] = [[]]
    steps = 0
    for item in scenario.steps:
        group = _steps(item)
        if steps >= scenario.block:
            made.append([])
            steps = 0
        made[-1] += [Null(nulls[step.id], step) for step in group if step.id in nulls]
        made[-1].append(item)
        steps += len(group)
    return tuple(tuple(block) for block in made)


def _tens(steps: Sequence[Step]) -> Iterable[Sequence[Step]]:
    for at in range(0, len(steps), STEPS_FOR_A_NULL):
        yield steps[at : at + STEPS_FOR_A_NULL]


def _steps(item: Step | Parallel) -> tuple[Step, ...]:
    return item.parallel if isinstance(item, Parallel) else (item,)


class Attack:
    """A scenario being played. A context manager: what was done is cleaned up, last first, on every way out."""

    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self.scenario = scenario
        self.stage = stage
        self.blocks = blocks(scenario, stage.seed)
        self.done: dict[str, Action] = {}
        self.order = {step.id: number for number, step in enumerate(scenario.flat(), 1)}

    def __enter__(self) -> Attack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for step in reversed(self.scenario.flat()):
            if step.id in self.done and not self.done[step.id].skipped:
                began = self.stage.clock.now()
                failed = _clean(step, self.stage)
                self.done[step.id] = replace(self.done[step.id], cleanup_failed=failed)
                if step.cleanup is not None:
                    undone = _undone(step, began, self.stage)
                    self.done[undone.id] = undone
                    self.stage.emit(ActionEnded(self.stage.range_id, undone))

    def run(self, block: Iterable[Item]) -> None:
        """One block, a pause after each step or group. Raises KeyboardInterrupt when cancelled."""
        for item in block:
            if isinstance(item, Null):
                self.done[item.id] = self._null(item)
            else:
                group = _steps(item)
                with ThreadPoolExecutor(len(group)) as pool:
                    self.done |= {action.id: action for action in pool.map(self._step, group)}
            self.stage.clock.sleep(seconds(self.scenario.gap))
            if self.stage.cancelled.is_set():
                raise KeyboardInterrupt

    def settle(self) -> None:
        """The scenario's wait after its last step."""
        self.stage.clock.sleep(seconds(self.scenario.settle))
        if self.stage.cancelled.is_set():
            raise KeyboardInterrupt

    def actions(self) -> tuple[Action, ...]:
        """Every step and null step done, in order of start."""
        return tuple(sorted(self.done.values(), key=lambda action: (action.start, action.id)))

    def _step(self, step: Step) -> Action:
        stage = self.stage
        stage.emit(StepStarted(stage.range_id, step.id, step.title, self.order[step.id], len(self.order)))
        order = order_of(step, stage)
        missing = [other for other in step.requires if self.done[other].effect != "achieved"]
        if missing:
            action = _skipped(order, f"needs {', '.join(missing)}, which had no effect", stage)
        else:
            action = _done(step, order, stage)
        stage.emit(ActionEnded(stage.range_id, action))
        return action

    def _null(self, null: Null) -> Action:
        like = order_of(null.like, self.stage)
        order = Order(
            id=null.id,
            kind="null",
            source=like.source,
            target=like.target,
            run=":",
            timeout=like.timeout,
            nonce=nonce_for(self.stage.trial_id, null.id),
            title=f"Do nothing, the way {null.like.id} does",
            window=like.window,
            shell=like.shell,
            seed=seed_for(self.stage.seed, null.id),
        )
        action = act(self.stage.range_id, order, self.stage.engine)
        action = replace(action, effect="absent", effect_detail="a null step does nothing")
        self.stage.emit(ActionEnded(self.stage.range_id, action))
        return action


def order_of(step: Step, stage: Stage) -> Order:
    """A step as a command to run."""
    expect = step.expect
    return Order(
        id=step.id,
        kind="step",
        source=pick(step.from_, stage.layout),
        target=pick(step.target, stage.layout),
        run=step.run if step.run is not None else f"replay {step.replay}",
        timeout=seconds(step.timeout),
        nonce=nonce_for(stage.trial_id, step.id),
        title=step.title,
        technique=step.technique,
        window=seconds(step.window),
        requires=step.requires,
        shell=step.shell,
        seed=seed_for(stage.seed, step.id),
        tier="live" if step.replay is None else "replay",
        expected=expect.rules if expect else (),
        forbidden=expect.never if expect else (),
        weight=step.weight,
    )


def _done(step: Step, order: Order, stage: Stage) -> Action:
    """The step, run or replayed, and its effect."""
    if step.payloads:
        files = [FileSpec(path, stage.payloads[name], 0o755) for path, name in step.payloads.items()]
        stage.engine.write(stage.range_id, order.source.name, files)
    unready = _unready(step, order, stage)
    if unready:
        return _skipped(order, unready, stage)
    if step.replay is None:
        action = act(stage.range_id, order, stage.engine)
    else:
        action = replay(stage.range_id, order, stage.payloads[step.replay], stage.engine, stage.clock)
        if action.effect_detail:
            return action
    effect, detail = _proof(step, order, action, stage)
    return replace(action, effect=effect, effect_detail=detail)


def _unready(step: Step, order: Order, stage: Stage) -> str:
    """Why the step's own preparation says that it cannot be run here; empty when it can."""
    if step.prepare is None:
        return ""
    ready = act(stage.range_id, replace(order, run=step.prepare), stage.engine)
    if ready.exit_code == 0:
        return ""
    said = (ready.stderr or ready.stdout).strip()[-300:]
    return "its preparation timed out" if ready.timed_out else said or f"its preparation ended with {ready.exit_code}"


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
    order = order_of(step, stage)
    try:
        ended = stage.engine.exec(
            stage.range_id,
            order.source.name,
            [order.shell, "-c", 'cd "$SCRATCH" 2>/dev/null; ' + step.cleanup],
            env=environment(order),
            timeout=10,
        )
    except RangeError as error:
        return str(error)
    if ended.exit_code == 0:
        return None
    return ended.stderr.decode("utf-8", "replace").strip()[-300:] or f"ended with {ended.exit_code}"


def _undone(step: Step, began: float, stage: Stage) -> Action:
    """The ledger entry of a step's clean-up: with its nonce and its technique, so that only time tells them apart."""
    order = replace(order_of(step, stage), id=f"{step.id}/cleanup", kind="cleanup", run=step.cleanup or "", requires=())
    return replace(entry(order, began, stage.clock.now()), window=CLEANUP_WINDOW)


def _skipped(order: Order, why: str, stage: Stage) -> Action:
    now = stage.clock.now()
    return replace(entry(order, now, now), effect="absent", effect_detail="not run", skipped=why)
