"""Exit codes: one table from errors to numbers, one from a campaign's decision. docs/cli.md explains them to users.

Knows: numbers. Must never: print, or end a process.
"""

from __future__ import annotations

from collections.abc import Mapping

from range import errors

PASS = 0
GATE_FAILED = 1
INSUFFICIENT = 2
INFRASTRUCTURE = 3
BAD_INPUT = 4
INTERRUPTED = 130

EXITS: Mapping[type[errors.RangeError], int] = {
    errors.Invalid: BAD_INPUT,
    errors.NotFound: BAD_INPUT,
    errors.Conflict: BAD_INPUT,
    errors.Refused: BAD_INPUT,
    errors.EngineUnavailable: INFRASTRUCTURE,
    errors.ImageMissing: INFRASTRUCTURE,
    errors.Exhausted: INFRASTRUCTURE,
    errors.NodeFailed: INFRASTRUCTURE,
    errors.ProvisionFailed: INFRASTRUCTURE,
    errors.IsolationBroken: INFRASTRUCTURE,
    errors.EngineFault: INFRASTRUCTURE,
    errors.Unauthenticated: BAD_INPUT,
    errors.Forbidden: BAD_INPUT,
    errors.QuotaExceeded: INFRASTRUCTURE,
    errors.Stale: BAD_INPUT,
    errors.Superseded: BAD_INPUT,
    errors.StoreUnavailable: INFRASTRUCTURE,
    errors.ServiceUnavailable: INFRASTRUCTURE,
    errors.RangeError: INFRASTRUCTURE,
}

DECIDED: Mapping[str, int] = {"pass": PASS, "fail": GATE_FAILED, "insufficient": INSUFFICIENT}
"""What a run ends with, by its campaign's decision (a judging.scorecard.Outcome)."""

MEANING: Mapping[int, str] = {
    PASS: "every gate passed",
    GATE_FAILED: "a gate failed",
    INSUFFICIENT: "the run is invalid, or there is not enough evidence to decide",
    INFRASTRUCTURE: "the machine or the engine failed, not the tool under test",
    BAD_INPUT: "something in the input must be corrected",
    INTERRUPTED: "interrupted; everything was removed",
}


def code(error: errors.RangeError) -> int:
    """The exit code of an error, by its nearest class in the table."""
    return next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)
