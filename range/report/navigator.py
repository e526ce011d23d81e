"""A campaign's result as layers for the ATT&CK Navigator, format 4.5: a file that is a list of layers.

Knows: one layer for each arm with tools, whose score is 100 x the mean, over a technique's steps, of the share of
conclusive verdicts that were noticed; and a difference layer, score after less score before, where two arms have
tools. A technique of which nothing is decided has no score; one that was never tried is disabled.
Must never: show a technique under an id that the table of its version has given up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from range.judging.result import CampaignResult
from range.judging.stats import share
from range.judging.techniques import Table, current
from range.report.folding import Folded, defended, folded
from range.report.words import long, of

VERSIONS = {"navigator": "4.9.0", "layer": "4.5"}
RED, YELLOW, GREEN, WHITE, GREY = "#e5695f", "#f4d96b", "#5fae6e", "#ffffff", "#b9c0c7"


@dataclass(frozen=True, slots=True)
class Covered:
    """One technique under one arm: its steps, and the mean share noticed, None when nothing is decided."""

    technique: str
    steps: tuple[Folded, ...]
    score: float | None

    @property
    def tried(self) -> bool:
        """Whether any of its steps came to be tried."""
        return any(label != "not_applicable" for step in self.steps for label, _count in step.counts)


def navigator(result: CampaignResult) -> str:
    """The file as JSON text. The run's table renews ids."""
    table = result.techniques
    arms: dict[str, list[Folded]] = {card.arm: [] for card in defended(result)}
    for step in folded(result):
        arms.setdefault(step.arm, []).append(step)
    version = result.shown_in
    covered = {arm: coverage(steps, version, table) for arm, steps in arms.items()}
    layers = [_arm(result, arm, found, version) for arm, found in covered.items()]
    layers += [_difference(result, *pair, covered, version) for pair in _pairs(covered)]
    return json.dumps(layers, indent=2, allow_nan=False) + "\n"


def coverage(steps: Iterable[Folded], version: str, table: Table) -> dict[str, Covered]:
    """Technique id -> what its steps show, sorted by id. Steps that name no technique are left out."""
    groups: dict[str, list[Folded]] = {}
    for step in steps:
        for technique in shown_as(step.technique, version, table) if step.technique else ():
            groups.setdefault(technique, []).append(step)
    return {technique: Covered(technique, tuple(group), _mean(group)) for technique, group in sorted(groups.items())}


def shown_as(technique: str, version: str, table: Table) -> tuple[str, ...]:
    """The ids a matrix of this version shows a technique under. Of the table's own version, what it lists stays."""
    if version.partition(".")[0] != table.version.partition(".")[0]:
        return current(technique, table)
    if technique in table.techniques:
        return (technique,)
    later = table.replaced.get(technique, (technique,))
    return later if all(one in table.techniques for one in later) else current(technique, table)


def _mean(steps: Sequence[Folded]) -> float | None:
    shares = [step.noticed / step.conclusive for step in steps if step.conclusive]
    return sum(shares) / len(shares) if shares else None


def _pairs(covered: Mapping[str, object]) -> list[tuple[str, str]]:
    """(before, after): `previous` and `candidate` when there are both, else the first arm with each later one."""
    if {"previous", "candidate"} <= covered.keys():
        return [("previous", "candidate")]
    first, *later = covered or [""]
    return [(first, arm) for arm in later]


def _arm(result: CampaignResult, arm: str, found: Mapping[str, Covered], version: str) -> dict[str, Any]:
    tools = ", ".join(dict(result.arms).get(arm, ())) or "no tools"
    techniques = [_technique(one) for one in found.values()]
    return _layer(
        f"{result.run.title or result.run.campaign}: {arm}",
        f"Share of conclusive verdicts that were noticed (blocked or detected), by technique, under the arm {arm} "
        f"({tools}). No score: nothing is decided. Run {result.run.run_id}.",
        version,
        _with_parents(techniques),
        {"colors": [RED, YELLOW, GREEN], "minValue": 0, "maxValue": 100},
        [(RED, "nothing noticed"), (GREEN, "all noticed"), (WHITE, "nothing decided, or not tried")],
        [("run", result.run.run_id), ("inputs", result.run.inputs), ("decision", result.decision)],
    )


def _technique(one: Covered) -> dict[str, Any]:
    labels: Counter[str] = Counter()
    for step in one.steps:
        labels.update(dict(step.counts))
    noticed, conclusive = sum(s.noticed for s in one.steps), sum(s.conclusive for s in one.steps)
    entry: dict[str, Any] = {
        "techniqueID": one.technique,
        "enabled": one.tried,
        "comment": "\n".join(f"{step.step}: {step.said}" for step in one.steps),
        "metadata": _metadata(
            [
                ("steps", ", ".join(step.step for step in one.steps)),
                ("noticed", of(share(noticed, conclusive))),
                *((label.replace("_", " "), str(count)) for label, count in labels.items()),
                ("median time to detect", _median(one)),
            ]
        ),
        "showSubtechniques": "." in one.technique,
    }
    if one.score is not None:
        entry["score"] = round(100 * one.score, 1)
    return entry


def _median(one: Covered) -> str:
    """The median over conclusive trials, those never noticed counted as later than any; `never` when it is one."""
    waits = sorted(float("inf") if wait is None else wait for step in one.steps for wait in step.waits)
    if not waits:
        return ""
    middle = waits[(len(waits) - 1) // 2]
    return "no time known for half of them" if middle == float("inf") else long(middle)


def _difference(
    result: CampaignResult, before: str, after: str, covered: Mapping[str, Mapping[str, Covered]], version: str
) -> dict[str, Any]:
    techniques = []
    for technique, now in covered[after].items():
        then = covered[before].get(technique)
        old, new = then.score if then else None, now.score
        entry: dict[str, Any] = {"techniqueID": technique, "enabled": True, "showSubtechniques": "." in technique}
        entry["comment"] = f"{before}: {_said(old)}; {after}: {_said(new)}"
        entry["metadata"] = _metadata([(before, _said(old)), (after, _said(new))])
        if old is not None and new is not None:
            entry["score"] = round(100 * (new - old), 1)
        techniques.append(entry)
    return _layer(
        f"{result.run.title or result.run.campaign}: {after} less {before}",
        f"Points by which the noticed share under the arm {after} is above that under {before}. No score: nothing is "
        f"decided under one of them. Run {result.run.run_id}.",
        version,
        _with_parents(techniques),
        {"colors": [RED, WHITE, GREEN], "minValue": -100, "maxValue": 100},
        [(RED, f"less than under {before}"), (GREEN, f"more than under {before}")],
        [("run", result.run.run_id), ("before", before), ("after", after)],
    )


def _said(score: float | None) -> str:
    return "nothing decided" if score is None else f"{score:.0%} noticed"


def _with_parents(techniques: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, and what opens the parent of each sub-technique, so that it can be seen."""
    there = {entry["techniqueID"]: entry for entry in techniques}
    found = list(techniques)
    for entry in techniques:
        parent, dot, _rest = entry["techniqueID"].partition(".")
        if dot and parent in there:
            there[parent]["showSubtechniques"] = True
        elif dot:
            there[parent] = {"techniqueID": parent, "enabled": True, "showSubtechniques": True}
            found.append(there[parent])
    return sorted(found, key=lambda entry: str(entry["techniqueID"]))


def _metadata(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Those that have a value: the Navigator refuses an empty one."""
    return [{"name": name, "value": value} for name, value in pairs if value]


def _layer(
    name: str,
    description: str,
    version: str,
    techniques: list[dict[str, Any]],
    gradient: dict[str, Any],
    legend: Iterable[tuple[str, str]],
    metadata: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    return {
        "name": name,
        "versions": {**({"attack": version.partition(".")[0]} if version else {}), **VERSIONS},
        "domain": "enterprise-attack",
        "description": description,
        "filters": {"platforms": ["Linux", "Network Devices", "Containers", "PRE"]},
        "sorting": 3,
        "layout": {
            "layout": "side",
            "showID": True,
            "showName": True,
            "showAggregateScores": True,
            "countUnscored": False,
            "aggregateFunction": "average",
            "expandedSubtechniques": "annotated",
        },
        "hideDisabled": False,
        "techniques": techniques,
        "gradient": gradient,
        "legendItems": [{"label": label, "color": color} for color, label in legend],
        "metadata": _metadata(metadata),
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
        "showTacticRowBackground": False,
        "tacticRowBackground": GREY,
    }
