"""What fell short, as SARIF 2.1.0, for code scanning of rules that are kept as code.

Knows: one rule for each step and each kind of gate; one result for each step of an arm that fell short, and for each
gate that failed. Nothing that passed is a result, because some readers show every result as an alert; the passes are
counted in `run.properties`.
Must never: give the same finding another fingerprint in the next run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from range.judging.result import CampaignResult
from range.judging.scorecard import GateResult
from range.report.folding import Folded, Shortfall, folded
from range.report.junit import FAILURES
from range.report.words import moment

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Shortfall, str] = {
    "regressed": "error",
    "missed": "warning",
    "telemetry": "note",
    "expectation": "warning",
}


CAMPAIGN = "inputs/campaign.yaml"
"""Where the campaign's file lies in a run's folder."""


def sarif(result: CampaignResult) -> str:
    """The log as JSON text. Findings on steps point to the scenario's file, those on gates to the campaign's."""
    scenario, campaign = result.run.scenario_file or CAMPAIGN, CAMPAIGN
    steps = folded(result)
    gates = [gate for gate in result.gate_results if gate.outcome == "fail"]
    short = [step for step in steps if step.shortfall is not None]
    rules = [*_step_rules(steps), *_gate_rules(result.gate_results)]
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_step_result(result, step, scenario, index) for step in short]
    results += [_gate_result(result, gate, campaign, index) for gate in gates]
    run = {
        "tool": {"driver": {"name": "Jointrange", "version": result.run.version, "rules": rules}},
        "automationDetails": {"id": f"jointrange/{result.run.campaign}/{result.run.run_id}"},
        "invocations": [
            {
                "executionSuccessful": not any(one.trial.fault for one in result.judged),
                "startTimeUtc": moment(result.run.started),
                "endTimeUtc": moment(result.run.ended),
            }
        ],
        "results": results,
        "properties": {
            "decision": result.decision,
            "gatesPassed": sum(gate.outcome == "pass" for gate in result.gate_results),
            "gatesInsufficient": [f"{g.arm}: {g.gate}" for g in result.gate_results if g.outcome == "insufficient"],
            "stepsPassed": [f"{s.arm}: {s.step}" for s in steps if s.shortfall is None and s.conclusive],
            "stepsUndecided": [f"{s.arm}: {s.step}" for s in steps if s.shortfall is None and not s.conclusive],
            "inputs": result.run.inputs,
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False) + "\n"


def _step_rules(steps: Sequence[Folded]) -> list[dict[str, Any]]:
    """One for each step any arm had, in order."""
    first: dict[str, Folded] = {}
    for step in steps:
        first.setdefault(step.step, step)
    return [_step_rule(step) for step in first.values()]


def _step_rule(step: Folded) -> dict[str, Any]:
    tags = ["security"]
    place = "a step that names no ATT&CK technique"
    if step.technique:
        tags += ["attack", f"attack.{step.technique.lower()}"]
        place = f"ATT&CK {step.technique}"
    help_ = (
        f"The attack step `{step.step}` ({place}) was carried out and proved to work. A defence must block it, or "
        "raise an alert that can be credited to it. See docs/campaigns.md for how that is decided."
    )
    rule: dict[str, Any] = {
        "id": step.step,
        "name": _pascal(step.step),
        "shortDescription": {"text": step.title},
        "fullDescription": {"text": f"{step.title}: not noticed by the tools under test ({place})."},
        "help": {"text": help_, "markdown": help_},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": tags, "precision": "very-high"},
    }
    if step.technique:
        rule["helpUri"] = attack_url(step.technique)
    return rule


def _gate_rules(gates: Sequence[GateResult]) -> list[dict[str, Any]]:
    """One for each gate that some arm had, in order."""
    names = dict.fromkeys(gate.gate for gate in gates)
    help_ = "A gate of the campaign does not hold. See docs/campaigns.md for what each gate asks."
    return [
        {
            "id": f"gate/{name}",
            "name": _pascal(f"gate {name}"),
            "shortDescription": {"text": f"The gate {name} holds"},
            "fullDescription": {"text": f"The campaign's gate {name} must hold in every arm with tools."},
            "help": {"text": help_, "markdown": help_},
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["security", "gate"]},
        }
        for name in names
    ]


def _step_result(result: CampaignResult, step: Folded, path: str, index: dict[str, int]) -> dict[str, Any]:
    assert step.shortfall is not None
    text = f"{step.arm}: {step.title}: {step.said}. {FAILURES[step.shortfall].capitalize()}."
    found = _result(step.step, index, LEVELS[step.shortfall], text, path)
    found["partialFingerprints"] = _fingerprints(result.run.campaign, "step", step.arm, step.step)
    found["properties"] = {
        "arm": step.arm,
        "shortfall": step.shortfall,
        "technique": step.technique or "",
        "noticed": step.noticed,
        "conclusive": step.conclusive,
        "flaky": step.flaky,
        "unmet": list(step.unmet),
    }
    return found


def _gate_result(result: CampaignResult, gate: GateResult, path: str, index: dict[str, int]) -> dict[str, Any]:
    found = _result(f"gate/{gate.gate}", index, "error", f"{gate.arm}: {gate.gate}: {gate.reason}.", path)
    found["partialFingerprints"] = _fingerprints(result.run.campaign, "gate", gate.arm, gate.gate)
    found["properties"] = {"arm": gate.arm, "shortfall": "gate"}
    return found


def _result(rule: str, index: dict[str, int], level: str, text: str, path: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": path}, "region": {"startLine": 1}}
    return {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "kind": "fail",
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _fingerprints(*parts: str) -> dict[str, str]:
    """Of what the finding is about, never of numbers: the same finding in the next run has the same."""
    digest = sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
    return {"jointrange/v1": digest, "primaryLocationLineHash": f"{digest}:1"}


def _pascal(text: str) -> str:
    """`slow-beacon` as `SlowBeacon`."""
    return "".join(word.capitalize() for word in re.split(r"[^0-9A-Za-z]+", text)) or "Step"


def attack_url(technique: str) -> str:
    """Where MITRE describes a technique."""
    return f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/"
