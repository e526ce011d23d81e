"""A proof says whether a campaign passed, and why not. Running one for real is tests/e2e/test_proving.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.campaign import Gates
from range.errors import NotFound
from range.proving import Proof, prove
from tests.builders import a_control, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def a_proof(*, noticed: bool, gates: Gates | None = None) -> Proof:
    alerts = (an_alert(STEP),) if noticed else ()
    result = a_result(a_control(STEP), a_trial(STEP, alerts=alerts), gates=gates or Gates(must_notice=("sqli",)))
    return Proof(result, Path("results/r"), Path("results/r.bundle"))


def test_it_has_the_campaigns_decision() -> None:
    for noticed in (True, False):
        proof = a_proof(noticed=noticed)
        assert proof.decision == proof.result.decision
        assert proof.passed == (proof.result.decision == "pass")


def test_it_says_which_gates_did_not_pass() -> None:
    said = repr(a_proof(noticed=False))
    assert "must_notice sqli" in said
    assert "report.html" in said.splitlines()[0]


def test_a_verdict_by_step() -> None:
    assert a_proof(noticed=True).verdict("sqli") == "detected"
    assert a_proof(noticed=False).verdict("sqli", "defended") == "missed"
    with pytest.raises(LookupError, match="it has: sqli"):
        a_proof(noticed=True).verdict("xss")


def test_a_verdict_wants_an_arm_where_there_are_several() -> None:
    result = a_result(a_control(STEP), a_trial(STEP), a_trial(STEP, arm="previous", id="previous-1"))
    with pytest.raises(LookupError, match="say which arm: defended, previous"):
        Proof(result, Path(), Path()).verdict("sqli")


def test_a_campaign_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFound, match="no-such"):
        prove("no-such")
