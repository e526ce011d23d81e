"""The statement is an in-toto test result about the manifest, and never kinder than the result."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from range.bundle.manifest import Entry, manifest_of
from range.bundle.statement import about, decided, statement
from range.report.data import to_json
from tests.builders import a_demo_result

MANIFEST = manifest_of(
    [
        Entry("run.json", 1, "1" * 64),
        Entry("result.json", 1, "2" * 64),
        Entry("inputs/campaign.yaml", 1, "3" * 64),
        Entry("trials/control-1/trial.json", 1, "4" * 64),
    ]
)


def said(decision: str, *gates: tuple[str, str]) -> dict[str, Any]:
    results = [{"arm": "defended", "gate": gate, "outcome": outcome, "reason": "x"} for gate, outcome in gates]
    text = json.dumps({"decision": decision, "gate_results": results, "more": 1}).encode()
    found: dict[str, Any] = json.loads(statement(MANIFEST, decided(text)))
    return found


def test_it_is_what_the_specification_asks_for() -> None:
    found = said("fail", ("a", "pass"), ("b", "fail"), ("c", "insufficient"))
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    digest = hashlib.sha256(bytes(MANIFEST)).hexdigest()
    assert found["subject"] == [{"name": "manifest.json", "digest": {"sha256": digest}}]
    predicate = found["predicate"]
    assert predicate["passedTests"] == ["defended: a"]
    assert predicate["warnedTests"] == []
    assert predicate["failedTests"] == ["defended: b", "defended: c (not enough evidence)"]
    assert [one["name"] for one in predicate["configuration"]] == ["inputs/campaign.yaml", "result.json", "run.json"]
    assert all(one["digest"]["sha256"] for one in predicate["configuration"])


@pytest.mark.parametrize(("decision", "word"), [("pass", "PASSED"), ("fail", "FAILED"), ("insufficient", "FAILED")])
def test_only_a_pass_is_passed(decision: str, word: str) -> None:
    predicate = said(decision)["predicate"]
    assert predicate["result"] == word
    result = next(one for one in predicate["configuration"] if one["name"] == "result.json")
    assert result["annotations"] == {"decision": decision}


def test_a_real_result_has_a_decision() -> None:
    result = a_demo_result()
    found = decided(to_json(result).encode())
    assert found.decision == result.decision
    assert len(found.gate_results) == len(result.gate_results) > 0


@pytest.mark.parametrize("text", [b"", b"{}", b'{"decision":"good","gate_results":[]}', b"\xff"])
def test_a_result_without_a_decision_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="decision"):
        decided(text)


def test_what_it_is_about_can_be_read() -> None:
    text = b'{"decision":"pass","gate_results":[]}'
    assert about(statement(MANIFEST, decided(text))) == hashlib.sha256(bytes(MANIFEST)).hexdigest()


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"subject":[]}', b'{"subject":[{"name":"x","digest":{}}]}'])
def test_a_statement_about_something_else_is_about_no_manifest(payload: bytes) -> None:
    assert about(payload) is None
