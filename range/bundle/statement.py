"""What is signed: an in-toto Statement v1 with a test result v0.1 about a run's manifest.

Knows: https://in-toto.io/Statement/v1 and https://in-toto.io/attestation/test-result/v0.1. The statement follows from
the manifest and the result alone, so whoever verifies a bundle makes it again and compares.
Must never: change what it says of the same files: bundles that are signed already could no longer be verified.

    pass          PASSED
    fail          FAILED
    insufficient  FAILED, and the gates concerned stand in failedTests with `(not enough evidence)` behind them

Not WARNED: the predicate's tests under `warnedTests` "passed with warnings", and a policy may accept them. A tool about
which nothing could be decided has not passed. `configuration` holds the digests of what went in and of result.json,
whose annotation gives the decision in our own word. The images are inside run.json: as subjects they would say that a
base image passed.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from range.bundle import names
from range.bundle.manifest import Entry, Manifest, canonical

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
UNDECIDED = " (not enough evidence)"

Word = Literal["pass", "fail", "insufficient"]


class _Gate(BaseModel):
    arm: str
    gate: str
    outcome: Word


class Decided(BaseModel):
    """What a statement tells of a result: its decision and its gates. Every version of result.json has these."""

    decision: Word
    gate_results: tuple[_Gate, ...]


def decided(result: bytes) -> Decided:
    """The decision in a result.json. Raises ValueError."""
    try:
        return Decided.model_validate_json(result)
    except ValidationError as error:
        raise ValueError(f"{names.RESULT} has no decision that could be read: {error.errors()[0]['msg']}") from None


def statement(manifest: Manifest, result: Decided) -> bytes:
    """The statement about a run, as the bytes that are signed."""
    digest = hashlib.sha256(bytes(manifest)).hexdigest()
    failed = [_name(gate) for gate in result.gate_results if gate.outcome == "fail"]
    undecided = [_name(gate) + UNDECIDED for gate in result.gate_results if gate.outcome == "insufficient"]
    predicate = {
        "result": "PASSED" if result.decision == "pass" else "FAILED",
        "configuration": [_descriptor(entry, result) for entry in manifest.entries if _configures(entry.path)],
        "passedTests": [_name(gate) for gate in result.gate_results if gate.outcome == "pass"],
        "warnedTests": [],
        "failedTests": failed + undecided,
    }
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": names.MANIFEST, "digest": {"sha256": digest}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


class _Subject(BaseModel):
    name: str
    digest: dict[str, str]


class _About(BaseModel):
    subject: tuple[_Subject, ...]


def about(payload: bytes) -> str | None:
    """The sha256 of the manifest that a statement is about; None when it is about none."""
    try:
        found = _About.model_validate_json(payload).subject
    except ValidationError:
        return None
    return next((one.digest.get("sha256") for one in found if one.name == names.MANIFEST), None)


def _name(gate: _Gate) -> str:
    return f"{gate.arm}: {gate.gate}"


def _configures(path: str) -> bool:
    return path in (names.RUN, names.RESULT) or path.startswith(f"{names.INPUTS}/")


def _descriptor(entry: Entry, result: Decided) -> dict[str, Any]:
    found: dict[str, Any] = {"name": entry.path, "digest": {"sha256": entry.sha256}}
    return found | ({"annotations": {"decision": result.decision}} if entry.path == names.RESULT else {})
