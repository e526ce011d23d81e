"""What the control trials prove: that a step works on the undefended range.

Knows: which trials are controls, and when a step counts as proven by them. A step that does not work there either
is nobody's success.
Must never: look at a trial with tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from range.campaign import CONTROL
from range.ledger import Action, Trial

FEW = 5
"""With fewer control trials than this, each must achieve a step's effect; with more, SURE of them."""

SURE = 0.8


def control_of(trial: Trial, trials: Sequence[Trial]) -> Trial | None:
    """The control trial to name beside it: the one of the same number, else the first there is."""
    controls = sorted(controls_in(trials), key=lambda other: other.number)
    same = [other for other in controls if other.number == trial.number]
    return next(iter(same or controls), None)


def controls_in(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The control trials among these; reruns are none."""
    return tuple(trial for trial in trials if trial.arm == CONTROL and trial.purpose == "main")


@dataclass(frozen=True, slots=True)
class Proof:
    """A control trial whose isolation is proven, with its steps by id; the first, when one comes twice."""

    trial: Trial
    steps: Mapping[str, Action]


def proofs(controls: Sequence[Trial]) -> tuple[Proof, ...]:
    """The control trials that prove anything, ready for look-up."""
    return tuple(
        Proof(trial, {step.id: step for step in reversed(trial.steps)}) for trial in controls if trial.isolation.holds
    )


def proved(controls: Sequence[Proof], step: str) -> str | None:
    """None when the control trials achieved the step's effect, else what went wrong there.

    All of them must, when they are fewer than FEW; else the share SURE of them.
    """
    faults = [fault_in(control, step) for control in controls]
    if not faults:
        return "there is no control trial whose isolation is proven"
    bad = [fault for fault in faults if fault is not None]
    good = len(faults) - len(bad)
    if not bad or (len(faults) >= FEW and good >= SURE * len(faults)):
        return None
    return bad[0] if len(faults) == 1 else f"{bad[0]}; it worked in {good} of {len(faults)} control trials"


def fault_in(control: Proof, step: str) -> str | None:
    """Why this control trial does not prove that the step works; None when it does."""
    action = control.steps.get(step)
    if action is None:
        return "it was never begun there"
    if action.skipped is not None:
        return f"it was not run there: {action.skipped}"
    return None if action.effect == "achieved" else f"its effect there was {action.effect}"
