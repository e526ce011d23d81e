"""Which action an alert is about.

Knows: the rules, in order; the first that leaves exactly one action wins.
    nonce     the alert's text holds the action's nonce, as a whole word
    flow      its two addresses, two ports and protocol are those of a flow that the action opened, at that time
    window    its time lies in the action's window, both address pairs are the same whichever way round, and the
              technique does not contradict, or (`general`) every action there is contradicted
Of several in the window, null steps are left out, then the one with exactly the alert's technique is preferred, then
the one during which the alert was raised; if several are left, nobody is credited. With the tag rule `reject` an alert
that names another technique is credited to nobody, by whatever rule it was found.
Must never: guess. A field missing from an alert matches nothing, with one exception: a tool that runs on one
end of the action's pair and names only the other end (fail2ban names whom it banned) has said the pair, because
its own node is the other side.

Benign actions, null steps and canaries are candidates like steps, so an alert about them is never credited to a step.
What an alert costs does not depend on how many actions there are: nonces, flows and pairs are looked up.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeVar

from range.judging.techniques import BUILT_IN, Table, relation
from range.ledger import Action, Alert, Endpoint

Rule = Literal["nonce", "flow", "window", "ambiguous", "none"]
TagRule = Literal["general", "reject"]
Side = tuple[str, int]
FlowKey = tuple[Side, Side, str]
_Span = tuple[float, float, int]
K = TypeVar("K")

SKEW = 0.5
"""Seconds an alert's time may lie before its action began."""

_WORD = re.compile(r"[0-9a-z]+")
_ESCAPE = re.compile(r"%[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one alert is about. Indices count in the trial's `alerts` and `actions`.

    `candidates`: for `ambiguous`, everything it could be about; for `none`, the actions that fit in time and
    place, or by nonce or flow, but whose technique the alert contradicts; else just the action.
    """

    alert_index: int
    action_index: int | None
    rule: Rule
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spans:
    """Stretches of time with an action each, sorted by start; `latest[n]` is the last end of the first n + 1."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    indices: tuple[int, ...]
    latest: tuple[float, ...]

    def at(self, time: float, early: float) -> tuple[int, ...]:
        """The actions whose stretch holds the time, which may lie `early` seconds before it; each once, in order."""
        first, last = bisect_left(self.latest, time), bisect_right(self.starts, time + early)
        found = [self.indices[n] for n in range(first, last) if self.ends[n] >= time]
        return tuple(sorted(set(found))) if len(found) > 1 else tuple(found)


@dataclass(frozen=True, slots=True)
class Nonces:
    """The actions by nonce: `plain` words, which all begin with `prefix`, and `odd` ones with other signs in them."""

    plain: Mapping[str, tuple[int, ...]]
    prefix: str
    odd: tuple[tuple[re.Pattern[str], tuple[int, ...]], ...]

    def echoed(self, text: str) -> tuple[int, ...]:
        """The actions whose nonce the text holds. Upper case and %-escapes beside it do not hide it."""
        low = text.lower()
        found: set[int] = set()
        if self.plain and self.prefix in low:
            for word in self._words(low):
                found.update(self.plain.get(word, ()))
            if "%" in low:
                for word in self._words(_ESCAPE.sub(" ", low)):
                    found.update(self.plain.get(word, ()))
        for pattern, indices in self.odd:
            if pattern.search(low):
                found.update(indices)
        return tuple(sorted(found)) if found else ()

    def _words(self, low: str) -> Iterator[str]:
        """The words that begin with the prefix. Looked for as plain text first, which is much the quickest."""
        at = low.find(self.prefix)
        while 0 <= at < len(low):
            found = _WORD.match(low, at)
            if found is None:  # only without a prefix: a sign between two words
                at += 1
                continue
            if at == 0 or not _WORD.match(low[at - 1]):
                yield found.group()
            at = low.find(self.prefix, found.end())


@dataclass(frozen=True, slots=True)
class Ledger:
    """The actions that were done, ready for look-up.

    `pairs` are by two addresses, `ends` by a node and the address of the pair's other end, `flows` by flow key.
    """

    actions: Sequence[Action]
    nonces: Nonces
    pairs: Mapping[tuple[str, str], _Spans]
    ends: Mapping[tuple[str, str], _Spans]
    flows: Mapping[FlowKey, _Spans]
    table: Table
    tag_mismatch: TagRule

    def near(self, alert: Alert) -> tuple[int, ...]:
        """The actions between the alert's addresses in whose window its time lies."""
        src, dst = alert.src.address, alert.dst.address
        if src is None:
            return ()
        spans = self.ends.get((alert.node, src)) if dst is None else self.pairs.get(_ordered(src, dst))
        return spans.at(alert.time, alert.resolution) if spans else ()

    def opened(self, alert: Alert) -> tuple[int, ...]:
        """The actions that opened the flow the alert names, at its time."""
        key = flow_key(alert.src, alert.dst, alert.proto)
        spans = self.flows.get(key) if key is not None else None
        return spans.at(alert.time, alert.resolution) if spans else ()


def attribute(
    actions: Sequence[Action], alerts: Sequence[Alert], *, table: Table = BUILT_IN, tag_mismatch: TagRule = "general"
) -> tuple[Attribution, ...]:
    """One attribution for each alert, in the order of the alerts. Skipped actions are never credited."""
    ledger = ready(actions, table, tag_mismatch)
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    found = []
    for number, alert in enumerate(alerts):
        action, rule, candidates = settle(alert, ledger)
        found.append(Attribution(number, action, rule, shared.setdefault(candidates, candidates)))
    return tuple(found)


def ready(actions: Sequence[Action], table: Table = BUILT_IN, tag_mismatch: TagRule = "general") -> Ledger:
    """The actions, ready for look-up."""
    pairs: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    ends: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    flows: dict[FlowKey, list[_Span]] = defaultdict(list)
    done = [(index, action) for index, action in enumerate(actions) if action.skipped is None]
    for index, action in done:
        span = (action.start - SKEW, action.end + action.window, index)
        pairs[_ordered(action.source_address, action.target_address)].append(span)
        if action.source != action.target:
            ends[action.target, action.source_address].append(span)
            ends[action.source, action.target_address].append(span)
        for flow in action.flows:
            key = flow_key(flow.src, flow.dst, flow.proto)
            if key is not None:
                flows[key].append((flow.start - SKEW, flow.end + action.window, index))
    return Ledger(actions, _nonces(done), _spans(pairs), _spans(ends), _spans(flows), table, tag_mismatch)


def settle(alert: Alert, ledger: Ledger) -> tuple[int | None, Rule, tuple[int, ...]]:
    """Which action one alert is about, by which rule, and the candidates (see Attribution)."""
    echoed = ledger.nonces.echoed(alert.text)
    if len(echoed) == 1:
        return _alone(alert, echoed, "nonce", ledger)
    opened = ledger.opened(alert)
    if echoed:
        opened = tuple(index for index in opened if index in echoed)
    if len(opened) == 1:
        return _alone(alert, opened, "flow", ledger)
    known = opened or echoed
    near = ledger.near(alert)
    if known:
        near = tuple(index for index in near if index in known)
    fits = tuple(index for index in near if compatible(alert, ledger.actions[index], ledger.table))
    if not fits and ledger.tag_mismatch == "general":
        fits = near
    if not fits:
        return (None, "ambiguous", known) if known and not near else (None, "none", near)
    return narrow(alert, fits, ledger)


def narrow(alert: Alert, fits: tuple[int, ...], ledger: Ledger) -> tuple[int | None, Rule, tuple[int, ...]]:
    """The last of the rules: of the actions that fit, the one with the alert's technique, or the one going on.

    A null step, which nobody can see on a network, is left out where anything else fits: it stands beside a step.
    """
    actions = ledger.actions
    left = _prefer(fits, lambda index: actions[index].kind != "null")
    left = _prefer(left, lambda index: _tagged(alert, actions[index], ledger.table))
    left = _prefer(left, lambda index: _during(alert, actions[index]))
    return (left[0], "window", left) if len(left) == 1 else (None, "ambiguous", left)


def flow_key(one: Endpoint, other: Endpoint, proto: str | None) -> FlowKey | None:
    """Two addresses with their ports and a protocol, whichever way round; None when any of them is missing."""
    if one.address is None or one.port is None or other.address is None or other.port is None or not proto:
        return None
    here, there = (one.address, one.port), (other.address, other.port)
    return (here, there, proto.lower()) if here <= there else (there, here, proto.lower())


def compatible(alert: Alert, action: Action, table: Table = BUILT_IN) -> bool:
    """Whether no technique is named on one of the sides, or one of the alert's is the same or of the same family."""
    if not alert.techniques or action.technique is None or action.technique in alert.techniques:
        return True
    return any(relation(technique, action.technique, table) != "other" for technique in alert.techniques)


def _alone(
    alert: Alert, found: tuple[int, ...], rule: Rule, ledger: Ledger
) -> tuple[int | None, Rule, tuple[int, ...]]:
    """The one action found by nonce or flow, unless the tag rule rejects the alert."""
    if ledger.tag_mismatch == "reject" and not compatible(alert, ledger.actions[found[0]], ledger.table):
        return None, "none", found
    return found[0], rule, found


def _tagged(alert: Alert, action: Action, table: Table) -> bool:
    """Whether one of the alert's techniques is the action's."""
    if action.technique is None or not alert.techniques:
        return False
    return any(relation(technique, action.technique, table) == "same" for technique in alert.techniques)


def _during(alert: Alert, action: Action) -> bool:
    return action.start - alert.resolution <= alert.time <= action.end


def _prefer(indices: tuple[int, ...], preferred: Callable[[int], bool]) -> tuple[int, ...]:
    """The preferred ones, or all when there is only one or none is preferred."""
    if len(indices) < 2:
        return indices
    return tuple(index for index in indices if preferred(index)) or indices


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _nonces(done: Sequence[tuple[int, Action]]) -> Nonces:
    by_word: dict[str, list[int]] = defaultdict(list)
    for index, action in done:
        if action.nonce:
            by_word[action.nonce.lower()].append(index)
    plain = {word: tuple(indices) for word, indices in by_word.items() if _WORD.fullmatch(word)}
    odd = tuple(
        (re.compile(rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])"), tuple(indices))
        for word, indices in by_word.items()
        if word not in plain
    )
    return Nonces(plain, _common(plain), odd)


def _common(words: Iterable[str]) -> str:
    """What all the words begin with."""
    first, last = min(words, default=""), max(words, default="")
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]


def _spans(found: Mapping[K, list[_Span]]) -> dict[K, _Spans]:
    made = {}
    for key, spans in found.items():
        spans.sort()
        starts, ends, indices = zip(*spans, strict=True)
        made[key] = _Spans(starts, ends, indices, tuple(accumulate(ends, max)))
    return made
