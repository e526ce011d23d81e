"""Which action an alert is about.

Knows: the rules, in order; the first that leaves exactly one action wins.
    nonce     the alert's text holds the action's nonce, as a whole word
    window    the alert's time lies in the action's window, both address pairs are the same whichever way round,
              and the technique does not contradict
Of several in the window, the one with exactly the alert's technique is preferred, then the one during which the
alert was raised; if several are left, nobody is credited.
Must never: guess. An address missing from an alert matches nothing, with one exception: a tool that runs on one
end of the action's pair and names only the other end (fail2ban names whom it banned) has said the pair, because
its own node is the other side.

Benign actions and canaries are candidates like steps, so an alert about them is never credited to a step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from range.ledger import Action, Alert

Rule = Literal["nonce", "window", "ambiguous", "none"]

SKEW = 0.5
"""Seconds an alert's time may lie before its action began."""

_WORD = re.compile(r"[0-9a-z]+")
_ESCAPE = re.compile(r"%[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one alert is about. Indices count in the trial's `alerts` and `actions`.

    `candidates`: for `ambiguous`, everything it could be about; for `none`, the actions that fit in time and
    place but whose technique the alert contradicts; else just the action.
    """

    alert_index: int
    action_index: int | None
    rule: Rule
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The actions that were done, sorted for look-up: by plain nonce, by odd nonce, and by pair of nodes."""

    actions: Sequence[Action]
    nonces: Mapping[str, tuple[int, ...]]
    odd: Mapping[str, tuple[int, ...]]
    pairs: tuple[tuple[int, ...], ...]


def attribute(actions: Sequence[Action], alerts: Sequence[Alert]) -> tuple[Attribution, ...]:
    """One attribution for each alert, in the order of the alerts. Skipped actions are never credited."""
    ledger = _sorted(actions)
    return tuple(_attribute(number, alert, ledger) for number, alert in enumerate(alerts))


def _sorted(actions: Sequence[Action]) -> _Ledger:
    nonces: dict[str, tuple[int, ...]] = {}
    pairs: dict[tuple[str, ...], list[int]] = {}
    for index, action in enumerate(actions):
        if action.skipped is None:
            nonces[action.nonce.lower()] = (*nonces.get(action.nonce.lower(), ()), index)
            nodes = (action.source, action.target, action.source_address, action.target_address)
            pairs.setdefault(nodes, []).append(index)
    nonces.pop("", None)
    plain = {nonce: indices for nonce, indices in nonces.items() if _WORD.fullmatch(nonce)}
    odd = {nonce: indices for nonce, indices in nonces.items() if nonce not in plain}
    return _Ledger(actions, plain, odd, tuple(tuple(indices) for indices in pairs.values()))


def _attribute(number: int, alert: Alert, ledger: _Ledger) -> Attribution:
    actions = ledger.actions
    echoed = _echoed(alert.text, ledger)
    if len(echoed) == 1:
        return Attribution(number, echoed[0], "nonce", echoed)
    near = _near(alert, ledger)
    if echoed:
        near = tuple(index for index in near if index in echoed)
    fits = tuple(index for index in near if compatible(alert, actions[index]))
    if not fits:
        if echoed:
            return Attribution(number, None, "ambiguous", echoed)
        return Attribution(number, None, "none", near)
    left = _narrow(fits, lambda index: actions[index].technique in alert.techniques)
    left = _narrow(left, lambda index: _during(alert, actions[index]))
    if len(left) == 1:
        return Attribution(number, left[0], "window", left)
    return Attribution(number, None, "ambiguous", left)


def _near(alert: Alert, ledger: _Ledger) -> tuple[int, ...]:
    """The actions between the alert's addresses in whose window its time lies."""
    actions = ledger.actions
    same = (pair for pair in ledger.pairs if same_pair(alert, actions[pair[0]]))
    return tuple(sorted(index for pair in same for index in pair if in_window(alert, actions[index])))


def _narrow(indices: tuple[int, ...], preferred: Callable[[int], bool]) -> tuple[int, ...]:
    """The preferred ones, or all when there is only one or none is preferred."""
    if len(indices) < 2:
        return indices
    return tuple(index for index in indices if preferred(index)) or indices


def _echoed(text: str, ledger: _Ledger) -> tuple[int, ...]:
    """The actions whose nonce the text holds. Upper case and %-escapes beside it do not hide it."""
    low = text.lower()
    words = set(_WORD.findall(low))
    if "%" in low:
        words.update(_WORD.findall(_ESCAPE.sub(" ", low)))
    found = {index for said in words & ledger.nonces.keys() for index in ledger.nonces[said]}
    for nonce, indices in ledger.odd.items():
        if re.search(rf"(?<![0-9a-z]){re.escape(nonce)}(?![0-9a-z])", low):
            found.update(indices)
    return tuple(sorted(found))


def in_window(alert: Alert, action: Action) -> bool:
    """Whether the alert's time lies between the action's start (less the skew) and its end plus its window."""
    earliest = action.start - SKEW - alert.resolution
    return earliest <= alert.time <= action.end + action.window


def _during(alert: Alert, action: Action) -> bool:
    return action.start - alert.resolution <= alert.time <= action.end


def same_pair(alert: Alert, action: Action) -> bool:
    """Whether the alert is about the action's two addresses, whichever way round."""
    pair = {action.source_address, action.target_address}
    if alert.src.address is None:
        return False
    if alert.dst.address is not None:
        return {alert.src.address, alert.dst.address} == pair
    other_end = {action.target: action.source_address, action.source: action.target_address}
    return action.source != action.target and other_end.get(alert.node) == alert.src.address


def compatible(alert: Alert, action: Action) -> bool:
    """Whether no technique is named on one of the sides, or one has the same parent (T1110, T1110.001)."""
    if not alert.techniques or action.technique is None:
        return True
    parent = action.technique.partition(".")[0]
    return any(technique.partition(".")[0] == parent for technique in alert.techniques)
