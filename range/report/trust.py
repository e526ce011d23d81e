"""Whether the evidence can be trusted: canaries, sensors' health, the matcher's own error, captures, time.

Knows: what a sceptical reader asks about the measuring itself, as rows of plain text.
Must never: sum up in a way that hides a canary that was not seen or a sensor that was not well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from range.campaign import CONTROL
from range.judging.alarms import kind_of
from range.judging.attribution import Rule
from range.judging.result import CampaignResult
from range.judging.scorecard import Judged, Scorecard
from range.judging.witness import ailing
from range.ledger import CanaryResult, SensorHealth
from range.report.words import long, percent, short, size

RULES: tuple[tuple[Rule, str, str], ...] = (
    ("nonce", "mark", "the alert repeats the action's own mark"),
    ("flow", "flow", "addresses, ports and protocol of a flow the action opened"),
    ("window", "window", "time, addresses and technique"),
)
JOINED = {rule: name for rule, _name, name in RULES} | {"ambiguous": "could be several", "none": "nothing"}


@dataclass(frozen=True, slots=True)
class Witness:
    """One tool of one arm: canaries seen of those sent, the slowest in seconds, and what was wrong, if anything."""

    arm: str
    tool: str
    seen: int
    sent: int
    slowest: float | None
    unseen: tuple[str, ...]
    packets: int | None
    drops: int | None
    config: tuple[str, ...]
    ailing: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Nothing is known to have been wrong with it."""
        return not self.unseen and not self.ailing and len(self.config) < 2 and self.sent > 0


def witnesses(result: CampaignResult) -> tuple[Witness, ...]:
    """Every tool of every arm, in the campaign's order."""
    return tuple(_witness(result, arm, tool) for arm, tools in result.arms for tool in tools)


def _witness(result: CampaignResult, arm: str, tool: str) -> Witness:
    own = result.of_arm(arm)
    canaries = [(one.trial.id, canary) for one in own for canary in one.trial.canaries if canary.tool == tool]
    health = [(one.trial.id, found) for one in own for found in one.trial.health if found.tool == tool]
    drops_max = result.rules.gates.drops_max
    waits = [canary.seen for _trial, canary in canaries if canary.seen is not None]
    return Witness(
        arm=arm,
        tool=tool,
        seen=len(waits),
        sent=len(canaries),
        slowest=max(waits, default=None),
        unseen=tuple(f"{trial}, {_when(canary)}" for trial, canary in canaries if canary.seen is None),
        packets=_sum([found.packets for _trial, found in health]),
        drops=_sum([found.drops for _trial, found in health]),
        config=tuple(dict.fromkeys(found.config for _trial, found in health if found.config)),
        ailing=_ailing(health, drops_max),
    )


def _when(canary: CanaryResult) -> str:
    return "in the middle" if canary.when == "between" else f"{canary.when} the attack"


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _ailing(health: Sequence[tuple[str, SensorHealth]], drops_max: float) -> tuple[str, ...]:
    return tuple(f"{trial}: {wrong}" for trial, found in health if (wrong := ailing(found, drops_max)) is not None)


@dataclass(frozen=True, slots=True)
class Matching:
    """How alerts of one arm found their action: (rule in words, alerts), and (what became of the rest, alerts, why)."""

    arm: str
    joined: tuple[tuple[str, str, int], ...]
    rest: tuple[tuple[str, int, str], ...]
    placebo: str


REST: tuple[tuple[str, str, str], ...] = (
    ("canary", "about canaries", "they prove a tool alive"),
    ("cleanup", "about clean-ups", "our own doing, after the attack"),
    ("false", "false alarms", "about benign activity, or about nothing that was done"),
    ("telemetry", "records", "they claim nothing"),
    ("ambiguous", "ambiguous", "could be about several actions: credited to nobody"),
    ("mistagged", "another technique", "at a step's time and place, but named another technique"),
    ("late", "late", "seen after everything was frozen: counted for nobody"),
    ("null", "about steps that do nothing", "alarms about the harness"),
)


def matching(result: CampaignResult) -> tuple[Matching, ...]:
    """One for each arm with tools."""
    return tuple(_matching(result.of_arm(card.arm), card) for card in result.scorecards if card.arm != CONTROL)


def _matching(own: Sequence[Judged], card: Scorecard) -> Matching:
    kinds = Counter(kind_of(found, one.trial) for one in own for found in one.attributions)
    steps = Counter(found.rule for one in own for found in one.attributions if kind_of(found, one.trial) == "step")
    share = card.placebo
    placebo = "could not be measured"
    if share is not None:
        placebo = f"{share.count} of {share.of} ({percent(share.low)} to {percent(share.high)})"
    return Matching(
        card.arm,
        tuple((name, why, steps[rule]) for rule, name, why in RULES if steps[rule]),
        tuple((name, kinds[kind], why) for kind, name, why in REST if kinds[kind]),  # type: ignore[index]
        placebo,
    )


def captured(result: CampaignResult) -> tuple[tuple[str, str, str, str, bool, str], ...]:
    """(trial, network, packets, bytes, complete, file or detail) of every capture."""
    return tuple(
        (one.trial.id, capture.segment, f"{capture.packets:,}", size(capture.bytes), capture.complete,
         capture.detail or capture.file)
        for one in result.judged for capture in one.trial.captures
    )  # fmt: skip


def cost(card: Scorecard) -> tuple[tuple[str, str, str, str], ...]:
    """(node, tools, processor, memory) of an arm, each beside the same node without tools where there is one."""
    found = []
    for one in card.costs:
        without = "the node is there only with tools"
        cpu, memory = f"{one.cpu:.1%} of one", size(one.memory)
        if one.control_cpu is not None and one.control_memory is not None:
            cpu += f", control {one.control_cpu:.1%}"
            memory += f", control {size(one.control_memory)}"
        else:
            memory += f"; {without}"
        found.append((one.node, ", ".join(one.tools), cpu, memory))
    return tuple(found)


def slower(card: Scorecard) -> str:
    """The benign users' median beside control's: `26 ms, 1.4 times the control arm's 19 ms`."""
    service = card.service
    if service is None or service.p50 is None:
        return "-"
    said = moment(service.p50)
    if service.versus:
        said += f", {short(service.p50 / service.versus)} times the control arm's {moment(service.versus)}"
    return said


def moment(seconds: float | None) -> str:
    """A short time: 19 ms, 1.2 s."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if 0 < seconds < 1 else long(seconds)
