"""What the tools said, each with what it was about, as OCSF Detection Findings: one JSON object a line.

Knows: class 2004 of OCSF 1.5.0 with the profile `security_control`. One finding for all alerts of one tool about one
step of one trial; one for each false alarm, which is suppressed and says why in `unmapped`. `attacks` is what was
really done (from the ledger); what the tool itself named is in `unmapped`.
Must never: make a finding of what no tool said: a step missed is no finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from range.judging.result import CampaignResult
from range.judging.scorecard import FalseAlarm, Judged
from range.judging.verdict import StepVerdict
from range.ledger import Alert, Endpoint, Trial
from range.report.folding import Attempt, uuid5
from range.report.sarif import attack_url

VERSION = "1.5.0"
SEVERITIES = {"informational": 1, "info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5, "fatal": 6}
SEVERITY_NAMES = ("Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal")
CONTROLS: dict[str, tuple[int, str, int, str]] = {
    "blocked": (2, "Denied", 2, "Blocked"),
    "allowed": (1, "Allowed", 1, "Allowed"),
    "unknown": (0, "Unknown", 19, "Alert"),
}
"""Disposition -> action id and name, disposition id and name."""

MOST = 20
"""Pieces of evidence in one finding; `count` says how many alerts there were."""


def ocsf(result: CampaignResult) -> str:
    """The findings as JSON lines, trial by trial, steps before false alarms."""
    lines = [json.dumps(finding, allow_nan=False) for finding in findings(result)]
    return "".join(f"{line}\n" for line in lines)


def findings(result: CampaignResult) -> Iterator[dict[str, Any]]:
    """Every finding. Times are milliseconds since the epoch, as OCSF has them."""
    false = {card.arm: card.false_alarms for card in result.scorecards}
    alarms: dict[str, list[FalseAlarm]] = {}
    for found in false.values():
        for alarm in found:
            alarms.setdefault(alarm.trial, []).append(alarm)
    for one in result.judged:
        actions = {action.id: action for action in one.trial.steps}
        for verdict in one.verdicts:
            yield from _of_step(result, Attempt(one, verdict, actions.get(verdict.step)))
        for number, alarm in enumerate(alarms.get(one.trial.id, ())):
            yield _of_false_alarm(result, one, alarm, number)


def _of_step(result: CampaignResult, attempt: Attempt) -> Iterator[dict[str, Any]]:
    by_tool: dict[str, list[Alert]] = {}
    for alert in attempt.alerts:
        if not alert.telemetry:
            by_tool.setdefault(alert.tool, []).append(alert)
    for tool, alerts in by_tool.items():
        verdict, trial = attempt.verdict, attempt.one.trial
        uid = uuid5("finding", result.run.run_id, trial.id, verdict.step, tool)
        finding = _finding(result, trial, uid, alerts)
        finding["finding_info"]["title"] = f"{verdict.title or verdict.step}: {alerts[0].title}"
        finding["finding_info"]["desc"] = verdict.why
        finding["message"] = f"{tool}: {alerts[0].title}"
        finding["status_id"], finding["status"] = 1, "New"
        if verdict.technique:
            finding["finding_info"]["attacks"] = [_attack(verdict.technique, result.run.attack)]
        finding["unmapped"]["jointrange"] |= _truth(attempt, verdict, alerts)
        yield finding


def _truth(attempt: Attempt, verdict: StepVerdict, alerts: Sequence[Alert]) -> dict[str, Any]:
    """What the ledger knows of the step that no tool can."""
    rules = {found.alert_index: found.rule for found in attempt.one.attributions}
    ours = [index for index in verdict.alerts if attempt.one.trial.alerts[index].tool == alerts[0].tool]
    truth: dict[str, Any] = {
        "kind": "step",
        "step": verdict.step,
        "verdict": verdict.label,
        "effect": verdict.effect,
        "attributed_by": sorted({rules[index] for index in ours if index in rules}),
    }
    if attempt.action is not None:
        truth["seconds_to_arrival"] = round(min(alert.seen for alert in alerts) - attempt.action.start, 3)
    return truth


def _of_false_alarm(result: CampaignResult, one: Judged, alarm: FalseAlarm, number: int) -> dict[str, Any]:
    alerts = [one.trial.alerts[index] for index in alarm.alerts]
    uid = uuid5("false-alarm", result.run.run_id, one.trial.id, str(number), alarm.tool, alarm.rule)
    finding = _finding(result, one.trial, uid, alerts)
    finding["finding_info"]["title"] = alarm.title or alarm.rule
    finding["message"] = f"{alarm.tool}: {alarm.title}"
    finding["status_id"], finding["status"] = 3, "Suppressed"
    finding["status_detail"] = "No attack step explains it."
    finding["unmapped"]["jointrange"] |= {"kind": "false_alarm", "about": alarm.about, "known": alarm.known}
    return finding


def _finding(result: CampaignResult, trial: Trial, uid: str, alerts: Sequence[Alert]) -> dict[str, Any]:
    """What all findings have. `alerts` are of one tool, and at least one."""
    first = min(alerts, key=lambda alert: (alert.seen, alert.time))
    times = [alert.time for alert in alerts]
    severity = max(SEVERITIES.get(alert.severity.lower(), 0) for alert in alerts)
    stopped = [alert for alert in alerts if alert.disposition == "blocked"]
    said = stopped[0].disposition if stopped else first.disposition
    action_id, action, disposition_id, disposition = CONTROLS[said]
    return {
        "activity_id": 1, "activity_name": "Create",
        "category_uid": 2, "category_name": "Findings",
        "class_uid": 2004, "class_name": "Detection Finding",
        "type_uid": 200401, "type_name": "Detection Finding: Create",
        "severity_id": severity, "severity": SEVERITY_NAMES[severity],
        "time": _ms(first.seen), "start_time": _ms(min(times)), "end_time": _ms(max(times)),
        "count": len(alerts),
        "is_alert": True,
        "action_id": action_id, "action": action,
        "disposition_id": disposition_id, "disposition": disposition,
        "metadata": {
            "version": VERSION,
            "product": {"name": first.tool, "uid": first.tool},
            "profiles": ["security_control"],
            "log_name": first.source,
            "log_provider": "Jointrange",
            "correlation_uid": result.run.run_id,
            "uid": uid,
        },
        "finding_info": {
            "uid": uid,
            "title": first.title,
            "analytic": {"type_id": 1, "type": "Rule", "uid": first.rule, "name": first.title or first.rule},
            "created_time": _ms(first.seen),
            "first_seen_time": _ms(min(times)),
            "last_seen_time": _ms(max(times)),
            "data_sources": sorted({alert.source for alert in alerts}),
        },
        "evidences": [_evidence(alert) for alert in alerts[:MOST]],
        "unmapped": {
            "jointrange": {
                "campaign": result.run.campaign,
                "arm": trial.arm,
                "trial": trial.id,
                "rules": sorted({alert.rule for alert in alerts}),
                "alert_techniques": sorted({technique for alert in alerts for technique in alert.techniques}),
            }
        },
    }  # fmt: skip


def _evidence(alert: Alert) -> dict[str, Any]:
    evidence: dict[str, Any] = {"data": {"rule": alert.rule, "node": alert.node, "raw": alert.raw[:4000]}}
    for name, end in (("src_endpoint", alert.src), ("dst_endpoint", alert.dst)):
        if endpoint := _endpoint(end):
            evidence[name] = endpoint
    if alert.proto:
        evidence["connection_info"] = {"protocol_name": alert.proto, "direction_id": 0}
    return evidence


def _endpoint(end: Endpoint) -> dict[str, Any]:
    pairs: Iterable[tuple[str, Any]] = (("ip", end.address), ("port", end.port))
    return {name: value for name, value in pairs if value is not None}


def _attack(technique: str, version: str) -> dict[str, Any]:
    parent, dot, _rest = technique.partition(".")
    attack: dict[str, Any] = {"technique": {"uid": parent, "src_url": attack_url(parent)}}
    if dot:
        attack["sub_technique"] = {"uid": technique, "src_url": attack_url(technique)}
    if version:
        attack["version"] = version
    return attack


def _ms(time: float) -> int:
    return round(time * 1000)
