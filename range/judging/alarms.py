"""False alarms: what tools said when nobody attacked.

Knows: which alerts are false, which of them are one alarm, and how often they come in benign-only time.
Must never: give a rate without the hours and the activity it is from, or count an alert that claims nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from range.campaign import Known
from range.judging import stats
from range.judging.attribution import Attribution
from range.judging.scorecard import FalseAlarm, FalseAlarms, Judged, Share
from range.judging.verdict import late
from range.ledger import Action, Alert, Trial

Kind = Literal["step", "canary", "cleanup", "null", "false", "ambiguous", "mistagged", "telemetry", "late"]

Pair = tuple[str, ...]

BUCKET = 60.0
"""Seconds: equal alerts within one bucket are one false alarm."""

HOURS: Mapping[str, float] = {"day": 24.0, "week": 168.0, "month": 720.0}


def kind_of(attribution: Attribution, trial: Trial) -> Kind:
    """What an alert is counted as.

    `false`: about benign activity, or about nothing that was done. `mistagged`: in a step's time and place but
    with another technique. `late`: seen after the freeze. `telemetry`: a record of anything but a step. Several
    candidates that are all benign are benign, likewise canaries and null steps.
    """
    alert = trial.alerts[attribution.alert_index]
    if late(alert, trial):
        return "late"
    kinds = {trial.actions[index].kind for index in attribution.candidates}
    if kinds == {"canary"}:
        return "canary"
    if kinds == {"cleanup"}:
        return "cleanup"
    if kinds == {"null"} and attribution.rule != "none" and not alert.telemetry:
        return "null"
    if kinds == {"step"} and attribution.rule not in ("none", "ambiguous"):
        return "step"
    if alert.telemetry:
        return "telemetry"
    if kinds == {"benign"}:
        return "false"
    if attribution.rule == "ambiguous":
        return "ambiguous"
    return "mistagged" if "step" in kinds else "false"


def false_alarms(one: Judged, known: Mapping[tuple[str, str], str] | None = None) -> tuple[FalseAlarm, ...]:
    """The false alarms of a trial, equal ones within a minute as one, in order of time.

    `known`: the reason why an alarm of this (tool, rule) is not counted.
    """
    trial, alerts = one.trial, one.trial.alerts
    windows = [(phase.start, phase.end) for phase in trial.phases if phase.name == "benign"]
    pairs: dict[Pair, Pair] = {}
    alarms: list[FalseAlarm] = []
    minutes: dict[int, list[Attribution]] = defaultdict(list)
    for found in one.attributions:
        if kind_of(found, trial) == "false":
            minutes[int((alerts[found.alert_index].time - trial.started) // BUCKET)].append(found)
    for minute in sorted(minutes):  # one at a time: the groups of a minute are few, those of a long trial are not
        groups: dict[tuple[str, str, Pair, bool], list[Attribution]] = defaultdict(list)
        for found in minutes.pop(minute):
            alert = alerts[found.alert_index]
            pair = _pair(alert)
            groups[alert.tool, alert.rule, pairs.setdefault(pair, pair), _inside(alert, windows)].append(found)
        made = [_alarm(trial, key, members, known or {}) for key, members in groups.items()]
        alarms += sorted(made, key=lambda alarm: (alerts[alarm.alerts[0]].time, alarm.tool, alarm.rule, alarm.pair))
    return tuple(alarms)


def _inside(alert: Alert, windows: Sequence[tuple[float, float]]) -> bool:
    return any(start <= alert.time <= end for start, end in windows) if windows else False


def _alarm(
    trial: Trial,
    key: tuple[str, str, Pair, bool],
    members: Sequence[Attribution],
    known: Mapping[tuple[str, str], str],
) -> FalseAlarm:
    tool, rule, pair, inside = key
    indices = sorted((found.alert_index for found in members), key=lambda i: (trial.alerts[i].time, i))
    about = {trial.actions[index].id for found in members for index in found.candidates}
    first = trial.alerts[indices[0]].time
    title = min(trial.alerts[i].title for i in indices if trial.alerts[i].time == first)
    return FalseAlarm(
        trial=trial.id, tool=tool, rule=rule, title=title, pair=pair,
        about=", ".join(sorted(about)) or None, alerts=tuple(indices), window=inside, known=known.get((tool, rule)),
    )  # fmt: skip


def _pair(alert: Alert) -> Pair:
    one, other = alert.src.address, alert.dst.address
    if one is None or other is None:
        return tuple(address for address in (one, other) if address is not None)
    return (one, other) if one <= other else (other, one)


def reasons(known: Sequence[Known], today: str) -> dict[tuple[str, str], str]:
    """(tool, rule) -> reason, of the entries that have not expired. `today` is a date, YYYY-MM-DD."""
    return {(entry.tool, entry.rule): entry.reason for entry in known if entry.expires >= today}


def in_benign_time(own: Sequence[Judged], alarms: Sequence[FalseAlarm], noticed: Share | None) -> FalseAlarms | None:
    """The false alarms of benign-only time, and what benign activity there was. None without such time."""
    hours = sum(one.trial.hours("benign") for one in own)
    if hours <= 0:
        return None
    counted = [alarm for alarm in alarms if alarm.window and alarm.known is None]
    actions = [action for one in own for action in _benign_window(one.trial)]
    requests = sum(len(action.requests) for action in actions) or len(actions)
    rules = Counter(f"{alarm.tool} {alarm.rule}" for alarm in counted)
    profile = Counter(action.id.partition("@")[0] for action in actions)
    rate = stats.rate(len(counted), hours)
    return FalseAlarms(
        rate=rate,
        requests=requests,
        per_10k=len(counted) / requests * 10_000 if requests else None,
        rules=tuple(sorted(rules.items(), key=lambda item: (-item[1], item[0]))),
        profile=tuple(sorted(profile.items())),
        chance=_chances(noticed.value if noticed else 0.0, rate.value if rate.count else rate.high),
    )


def _benign_window(trial: Trial) -> list[Action]:
    """The benign actions that were really begun in benign-only time."""
    windows = [(phase.start, phase.end) for phase in trial.phases if phase.name == "benign"]
    return [
        action
        for action in trial.actions
        if action.kind == "benign"
        and action.skipped is None
        and any(start <= action.start <= end for start, end in windows)
    ]


def _chances(recall: float, per_hour: float) -> tuple[tuple[int, str, float], ...]:
    """How likely an alarm is about an attack, at one attack a day, a week and a month. On why this matters: Axelsson
    2000, "The base-rate fallacy and the difficulty of intrusion detection", ACM TISSEC 3.

    recall x attacks per hour / (recall x attacks per hour + false alarms per hour). Where there was no false alarm,
    `per_hour` is the upper bound of the rate, so the shares are the least they could be.
    """
    found = []
    for span, hours in HOURS.items():
        right = recall / hours
        if right + per_hour > 0:
            found.append((1, span, right / (right + per_hour)))
    return tuple(found)
