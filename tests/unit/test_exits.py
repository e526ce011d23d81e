"""Exit codes: the nearest class decides, and every code has a meaning."""

from __future__ import annotations

from typing import get_args

from range import errors, exits
from range.judging.scorecard import Outcome


def test_every_error_has_its_code() -> None:
    assert exits.code(errors.NotFound("x")) == exits.BAD_INPUT
    assert exits.code(errors.Invalid([])) == exits.BAD_INPUT
    assert exits.code(errors.EngineUnavailable("x")) == exits.INFRASTRUCTURE
    assert exits.code(errors.RangeError("x")) == exits.INFRASTRUCTURE


def test_a_new_kind_takes_its_parents_code() -> None:
    class Newer(errors.Refused):
        """Newer."""

    assert exits.code(Newer("x")) == exits.BAD_INPUT


def test_every_code_means_something() -> None:
    assert {*exits.EXITS.values(), *exits.DECIDED.values(), exits.INTERRUPTED} == set(exits.MEANING)


def test_every_decision_has_its_code() -> None:
    assert set(exits.DECIDED) == set(get_args(Outcome))
