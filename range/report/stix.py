"""A campaign's result as a STIX 2.1 bundle, for partners who exchange threat information.

Knows: what was noticed is a sighting of an attack pattern; a tool that blocked it is a course of action that
mitigates it. Attack patterns are our own objects that refer to ATT&CK; we do not claim to know MITRE's ids. The TLP
2.0 marking is the OASIS CTI committee's object of that level, and travels in the bundle because STIX 2.1 itself only
predefines TLP 1.
Must never: give two different objects one id, or tell of a technique that was not noticed as if it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from range.campaign import Tlp
from range.judging.result import CampaignResult
from range.judging.techniques import Table
from range.judging.verdict import NOTICED
from range.report.folding import Attempt, Folded, folded, uuid5
from range.report.sarif import attack_url
from range.report.words import moment

TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP_CREATED = "2022-10-01T00:00:00.000Z"
TLP_IDS: dict[Tlp, str] = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

ALWAYS = "2026-01-01T00:00:00.000Z"
"""When our objects that are the same in every run were made: an id and its `created` belong together."""

Object = dict[str, Any]


def stix(result: CampaignResult) -> str:
    """The bundle as JSON text. Every object of ours carries the run's TLP label."""
    marking = _marking(result.run.tlp)
    us = _shared("identity", marking, name="Jointrange", identity_class="system")
    objects: dict[str, Object] = {marking["id"]: marking, us["id"]: us}
    steps = [step for step in folded(result) if step.technique and step.noticed]
    for step in steps:
        for made in _of_step(result, step, marking, us):
            objects.setdefault(made["id"], made)
    told = [key for key in objects if not key.startswith("marking-definition")]
    report = _own(
        result, "report", marking, us,
        name=f"{result.run.title or result.run.campaign}: {result.decision}",
        description=_summary(result),
        report_types=["attack-pattern"],
        published=moment(result.run.ended),
        object_refs=told,
    )  # fmt: skip
    every = [*objects.values(), report]
    bundle = {"type": "bundle", "id": f"bundle--{uuid5('stix', *(one['id'] for one in every))}", "objects": every}
    return json.dumps(bundle, indent=2, allow_nan=False) + "\n"


def _marking(tlp: Tlp) -> Object:
    """The OASIS CTI committee's marking of this level, word for word."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_IDS[tlp],
        "created": TLP_CREATED,
        "name": f"TLP:{tlp.upper()}",
        "extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}},
    }


def _shared(kind: str, marking: Object, **values: Any) -> Object:
    """An object that is the same in every run that says the same."""
    return _made(kind, marking, {"created": ALWAYS, "modified": ALWAYS, **values})


def _own(result: CampaignResult, kind: str, marking: Object, us: Object, **values: Any) -> Object:
    """An object of this run."""
    made = moment(result.run.ended)
    return _made(kind, marking, {"created_by_ref": us["id"], "created": made, "modified": made, **values})


def _made(kind: str, marking: Object, values: Object) -> Object:
    """The object, whose id is of all it says: what says something else has another id."""
    said = {"type": kind, "spec_version": "2.1", **values, "object_marking_refs": [marking["id"]]}
    return {**said, "id": f"{kind}--{uuid5('stix', json.dumps(said, sort_keys=True))}"}


def _of_step(result: CampaignResult, step: Folded, marking: Object, us: Object) -> list[Object]:
    """The attack pattern, the arm it was seen under, the sighting, and what mitigates it."""
    table = result.techniques
    pattern = _pattern(step.technique or "", result.run.attack or table.version, marking, table)
    where = _own(
        result, "identity", marking, us,
        name=f"{result.run.campaign}: {step.arm}",
        description=f"A range of the topology {result.run.topology} with {', '.join(step.tools) or 'no tools'}",
        identity_class="system",
    )  # fmt: skip
    seen = [attempt for attempt in step.attempts if attempt.verdict.label in NOTICED]
    times = [time for attempt in seen for time in _times(attempt, result)]
    sighting = _own(
        result, "sighting", marking, us,
        description=f"{step.arm}, {step.title} ({step.step}): {step.said}",
        first_seen=moment(min(times)),
        last_seen=moment(max(times)),
        count=len(seen),
        sighting_of_ref=pattern["id"],
        where_sighted_refs=[where["id"]],
    )  # fmt: skip
    return [pattern, where, sighting, *_mitigations(result, step, seen, pattern, marking, us)]


def _times(attempt: Attempt, result: CampaignResult) -> list[float]:
    """When it was seen: the alerts' own times; of a block that no tool told of, when the step was."""
    if attempt.alerts:
        return [alert.time for alert in attempt.alerts]
    return [attempt.action.start, attempt.action.end] if attempt.action else [result.run.started]


def _pattern(technique: str, version: str, marking: Object, table: Table) -> Object:
    reference = {"source_name": "mitre-attack", "external_id": technique, "url": attack_url(technique)}
    said = f"ATT&CK {version} {technique}" if version else f"ATT&CK {technique}"
    return _shared(
        "attack-pattern", marking, name=table.name(technique), description=said, external_references=[reference]
    )


def _mitigations(
    result: CampaignResult, step: Folded, seen: Sequence[Attempt], pattern: Object, marking: Object, us: Object
) -> list[Object]:
    """Who blocked it: each tool that said so; where none did, the arm's tools together."""
    found: list[Object] = []
    who: dict[tuple[str, ...], int] = {}
    for attempt in seen:
        if attempt.verdict.label == "blocked":
            said: list[tuple[str, ...]] = [(tool,) for tool in attempt.verdict.blockers]
            for tools in said or [step.tools]:
                who[tools] = who.get(tools, 0) + 1
    for tools, count in who.items():
        name = ", ".join(tools) or f"the arm {step.arm}"
        action = _own(
            result, "course-of-action", marking, us,
            name=f"Deploy {name}",
            description=f"{name}, as the run {result.run.run_id} deployed it (inputs {result.run.inputs or 'unknown'})",
        )  # fmt: skip
        relation = _own(
            result, "relationship", marking, us,
            relationship_type="mitigates",
            description=f"{step.arm}, {step.title}: blocked in {count} of {step.conclusive} conclusive trials",
            source_ref=action["id"],
            target_ref=pattern["id"],
        )  # fmt: skip
        found += [action, relation]
    return found


def _summary(result: CampaignResult) -> str:
    reasons = "; ".join(result.decision_reasons)
    return (
        f"Scenario {result.run.scenario} against {result.run.topology}, run {result.run.run_id}, by Jointrange "
        f"{result.run.version}. Decision: {result.decision}" + (f" ({reasons})" if reasons else "") + "."
    )
