"""What differs between a sealed result and what this version makes of the same evidence, in words.

Knows: what a reader asks first: the decision, then gates, then verdicts, then numbers, each then and now.
Must never: leave a difference out: equal means equal in every field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from range.judging.result import CampaignResult
from range.judging.scorecard import Judged
from range.judging.verdict import StepVerdict
from range.report.table import say

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what it is about, what was sealed, what it is now, and the reason that is given now."""

    what: str
    then: str
    now: str
    why: str = ""


def differences(then: CampaignResult, now: CampaignResult) -> tuple[Change, ...]:
    """Every difference, the most telling first; empty when the two are equal."""
    if then == now:
        return ()
    found = [*_decision(then, now), *_gates(then, now), *_trials(then, now), *_cards(then, now)]
    for name in ("run", "arms", "rules", "comparisons", "schema"):
        found += _fields(name, getattr(then, name), getattr(now, name))
    return tuple(found) or (Change("the result", "another", "this one"),)


def _decision(then: CampaignResult, now: CampaignResult) -> Iterator[Change]:
    why = "; ".join(now.decision_reasons)
    if then.decision != now.decision:
        yield Change("decision", then.decision, now.decision, why)
    elif then.decision_reasons != now.decision_reasons:
        yield Change("reasons of the decision", "; ".join(then.decision_reasons), why)


def _gates(then: CampaignResult, now: CampaignResult) -> Iterator[Change]:
    before = dict(_numbered([((gate.arm, gate.gate), gate) for gate in then.gate_results]))
    after = dict(_numbered([((gate.arm, gate.gate), gate) for gate in now.gate_results]))
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        what = f"gate {key[0][0]}: {key[0][1]}"
        if old is None or new is None or old.outcome != new.outcome:
            why = new.reason if new else "this version has no such gate"
            yield Change(what, old.outcome if old else NOTHING, new.outcome if new else NOTHING, why)
        else:
            yield Change(what, f"{old.outcome}: {old.reason}", f"{new.outcome}: {new.reason}")


def _numbered(pairs: Sequence[tuple[tuple[str, str], Any]]) -> Iterator[tuple[tuple[tuple[str, str], int], Any]]:
    """Pairs whose keys may repeat, with how often the key was there before."""
    seen: dict[tuple[str, str], int] = {}
    for key, value in pairs:
        seen[key] = seen.get(key, -1) + 1
        yield (key, seen[key]), value


def _trials(then: CampaignResult, now: CampaignResult) -> Iterator[Change]:
    before = {_key(one): one for one in (*then.judged, *then.reruns)}
    after = {_key(one): one for one in (*now.judged, *now.reruns)}
    if list(before) != list(after) and set(before) == set(after):
        yield Change("order of the trials", ", ".join(map(_called, before)), ", ".join(map(_called, after)))
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            there = ("there", NOTHING) if old else (NOTHING, "there")
            yield Change(f"trial {_called(key)}", *there, "its evidence is in only one of the two")
        else:
            yield from _verdicts(old, new)
            yield from _fields(f"trial {_called(key)}: control", old.control, new.control)
            yield from _fields(f"trial {_called(key)}: evidence", old.trial, new.trial)
            yield from _fields(f"trial {_called(key)}: attribution", old.attributions, new.attributions)


def _key(one: Judged) -> tuple[str, int, str]:
    return one.trial.arm, one.trial.number, one.trial.purpose


def _called(key: tuple[str, int, str]) -> str:
    return f"{key[0]} {key[1]}" + ("" if key[2] == "main" else f" ({key[2]})")


def _verdicts(old: Judged, new: Judged) -> Iterator[Change]:
    before = {verdict.step: verdict for verdict in old.verdicts}
    after = {verdict.step: verdict for verdict in new.verdicts}
    for step in dict.fromkeys((*before, *after)):
        one, other = before.get(step), after.get(step)
        if one == other:
            continue
        what = f"{step} in {_called(_key(new))}"
        if one is None or other is None or one.label != other.label or say(one) != say(other):
            yield Change(what, _said(one), _said(other), other.why if other else "this version does not judge it")
        else:
            yield from _fields(what, one, other)


def _said(verdict: StepVerdict | None) -> str:
    return say(verdict) if verdict else NOTHING


def _cards(then: CampaignResult, now: CampaignResult) -> Iterator[Change]:
    before = {card.arm: card for card in then.scorecards}
    after = {card.arm: card for card in now.scorecards}
    for arm in dict.fromkeys((*before, *after)):
        yield from _fields(arm, before.get(arm), after.get(arm))


def _fields(what: str, then: Any, now: Any) -> Iterator[Change]:
    """The innermost fields that differ, each named by its path."""
    if then == now:
        return
    yield from _leaves(what, _plain(then), _plain(now))


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "model_dump"):
        return value.model_dump()
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _leaves(what: str, then: Any, now: Any) -> Iterator[Change]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*then, *now)):
            if then.get(key) != now.get(key) or (key in then) != (key in now):
                yield from _leaves(f"{what}.{key}", then.get(key), now.get(key))
    elif isinstance(then, list | tuple) and isinstance(now, list | tuple) and len(then) == len(now):
        for index, (one, other) in enumerate(zip(then, now, strict=True)):
            if one != other:
                yield from _leaves(f"{what}[{index}]", one, other)
    else:
        yield Change(what, _short(then), _short(now))


def _short(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, list | tuple | Mapping) and len(value) > 3:
        return f"{len(value)} of them"
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"
