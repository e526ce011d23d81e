"""The desk: what commands ask for, of this machine or of a service, on one page.

Knows: what is asked and what comes back. Must never: do the work (range/cli/local.py and range/cli/remote.py do).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from range.campaign import Level
from range.events import Sink
from range.judging.result import CampaignResult
from range.plan import RangeSummary
from range.ports import ExecResult, LinkState
from range.topology import Impairment


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether to wait for what takes long, and for how many seconds; None: as long as it takes. For a service only."""

    wait: bool = True
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class RangeWish:
    """A range somebody wants: `topology` and `tools` are names or paths. `lease`, `project`: for a service only."""

    topology: str
    name: str = ""
    tools: tuple[str, ...] = ()
    keep: bool = False
    lease: str = ""
    project: str = ""
    waiting: Waiting = field(default_factory=Waiting)


@dataclass(frozen=True, slots=True)
class RunWish:
    """A campaign somebody wants run. `jobs`, `new`, `sign`, `attack`: for this machine only."""

    campaign: str
    out: str
    level: Level | None = None
    trials: int | None = None
    benign_window: str | None = None
    seed: int | None = None
    fresh: bool = False
    jobs: int = 0
    new: bool = False
    sign: tuple[str, ...] = ()
    attack: Path | None = None
    project: str = ""
    waiting: Waiting = field(default_factory=Waiting)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done, a line a change; none: nothing. `data`: the same for programs."""

    range_id: str
    lines: tuple[str, ...]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Risen:
    """What `up` did. `source`: the file or document. `pending`: how the range is when nobody waited until it is up."""

    planned: Planned
    source: str
    nodes: int
    seconds: float
    data: Mapping[str, Any]
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """What `down` did. `containers`: how many went, when that is known."""

    range_id: str
    containers: int | None
    data: Mapping[str, Any]
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One range of a list. `life`: how long it stays, in words."""

    summary: RangeSummary
    state: str
    life: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeenNode:
    """One node of a range that is looked at."""

    name: str
    state: str
    kind: str
    image: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A range that is looked at. `note`: what else a person should know."""

    nodes: tuple[SeenNode, ...]
    links: tuple[LinkState, ...]
    data: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A campaign's run. `result`, `bundle` and `folder` are None when nobody waited for them."""

    run_id: str
    folder: Path | None = None
    bundle: Path | None = None
    result: CampaignResult | None = None


class Desk(Protocol):
    """Where commands get what they ask for. Every call raises RangeError, the same ones here and there."""

    def plan(self, wish: RangeWish) -> Planned: ...
    def up(self, wish: RangeWish, emit: Sink) -> Risen: ...
    def down(self, name: str, waiting: Waiting, emit: Sink) -> Removed: ...
    def ls(self) -> Sequence[Line]: ...
    def look(self, name: str) -> Seen: ...
    def exec(self, name: str, node: str, argv: Sequence[str], timeout: float | None, user: str) -> ExecResult: ...
    def logs(self, name: str, node: str, tail: int) -> str: ...
    def links(self, name: str) -> tuple[LinkState, ...]: ...
    def set_link(self, name: str, node: str, end: str, up: bool, impair: Impairment | None) -> LinkState: ...
    def capture(self, name: str, network: str, bpf: str, seconds: float | None
                ) -> AbstractContextManager[Iterator[bytes]]: ...  # fmt: skip
    def run(self, wish: RunWish, emit: Sink) -> Ended: ...
