"""What control trials prove."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.judging.controls import controls_in, proofs, proved
from range.ledger import Isolation
from tests.builders import T0, a_control, a_trial, an_action

STEP = an_action("sqli")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (STEP, None), (replace(STEP, effect="absent"), "its effect there was absent"),
        (replace(STEP, effect="unknown"), "its effect there was unknown"),
        (replace(STEP, skipped="no shell"), "it was not run there: no shell"),
        (replace(STEP, id="other"), "it was never begun there"),
        (replace(STEP, kind="benign"), "it was never begun there"),
    ],
)  # fmt: skip
def test_one_control_trial(step: object, why: str | None) -> None:
    assert proved(proofs([a_control(step)]), "sqli") == why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("good", "of", "proven"),
    [(1, 2, False), (4, 4, True), (3, 4, False), (4, 5, True), (7, 9, False), (8, 10, True)],
)
def test_several(good: int, of: int, proven: bool) -> None:
    trials = [a_control(STEP if n < good else replace(STEP, effect="absent"), number=n) for n in range(of)]
    why = proved(proofs(trials), "sqli")
    assert (why is None) == proven
    if why is not None:
        assert f"it worked in {good} of {of} control trials" in why


def test_a_control_that_leaks_proves_nothing() -> None:
    leaking = a_control(STEP, isolation=Isolation(T0, ("web",), (), ("web has a default route",)))
    assert proofs([leaking]) == ()
    assert proved((), "sqli") is not None


def test_a_rerun_is_no_control_trial() -> None:
    control = a_control(STEP)
    assert controls_in([a_trial(STEP), control, replace(control, purpose="rerun")]) == (control,)
