"""The rows of the service: what it remembers, one frozen record a table.

Knows: the shape of each row, and which of its fields are for whom.
Must never: know how or where rows are kept (range/store/ does), or decide anything.

Times are seconds since the epoch; 0.0 means "not set". A row belongs to an organisation (`org`); the empty one is the
installation itself. `version` grows by one with every change that a reader could see: it is the row's ETag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

RangeStatus = Literal["queued", "starting", "up", "degraded", "stopping", "gone", "failed"]
"""Coarse and public."""
RunStatus = Literal["queued", "running", "cancelling", "done", "cancelled", "failed"]
PoolStatus = Literal["filling", "ready", "stopping", "gone", "failed"]
Role = Literal["viewer", "operator", "trainer", "admin"]
RANGE_ENDS = ("gone", "failed")
"""Statuses of a range that has nothing in the engine any more, and never will."""
RANGE_LIVE = ("up", "degraded")
"""Statuses of a range that can be asked something."""
RANGE_LIVING: tuple[str, ...] = tuple(status for status in get_args(RangeStatus) if status not in RANGE_ENDS)
"""All but the ends: such a range has its name for itself."""
RUN_ENDS = ("done", "cancelled", "failed")
POOL_ENDS = ("gone",)
"""A pool that failed is none: it keeps its name, and is tried again when it is changed."""
POOL_LIVING: tuple[str, ...] = tuple(status for status in get_args(PoolStatus) if status not in POOL_ENDS)
DocumentKind = Literal["topology", "tool", "scenario", "benign", "campaign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row has."""

    id: str
    org: str
    created: float
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Row):
    """A row that a keeper works on until the world is as wanted.

    The API writes what is wanted, and `generation` + 1. A keeper claims the row (`holder`, `held_until`, `fence` + 1)
    and writes what is; each of its writes names the fence it was given, so that one who lost the row changes nothing.
    `step`: the act that is under way, written before it is begun. `seen`: the generation that was last made real.
    `next_at`: when a keeper should look again. `deadline`: when the present phase must be over.
    """

    generation: int = 1
    seen: int = 0
    step: str = ""
    reason: str = ""
    attempts: int = 0
    next_at: float = 0.0
    deadline: float = 0.0
    holder: str = ""
    held_until: float = 0.0
    fence: int = 0


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node of a range as a keeper last saw it. `status`: waiting, starting, ready or dead."""

    name: str
    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow(Work):
    """A range that somebody wants. Its id is also its name in the engine.

    `topology`: id of the DocumentRow; `tools`: ids of theirs. `actor`: who asked. `lease`: seconds it lives once it
    has left the queue, or was claimed; 0.0 for ever. `lease_until`: when it is to be destroyed; 0.0 never, or not known
    yet. `nodes`, `cpus`, `memory` (bytes): what it counts for against quotas and the machine.
    `states`: the nodes as last seen. `remake`: nodes to be made anew (`*`: all). `opened`: nodes whose start commands
    were begun and not noted as ended: after a crash they are made anew, so that no start command runs twice in one life
    of a node. `pool`: id of the PoolRow it was made for; `claimed`: somebody uses it. `problem`: why it failed, as
    problem+json.
    """

    name: str
    project: str = ""
    actor: str = ""
    topology: str
    tools: tuple[str, ...] = ()
    desired: Literal["up", "gone"] = "up"
    status: RangeStatus = "queued"
    lease: float = 0.0
    lease_until: float = 0.0
    nodes: int = 0
    cpus: float = 0.0
    memory: int = 0
    states: tuple[NodeState, ...] = ()
    remake: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    pool: str = ""
    claimed: bool = True
    problem: Mapping[str, Any] | None = None
    started: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow(Work):
    """A run of a campaign. `options`: level, trials, benign_window, seed, fresh as given. `run`: its folder's name.

    `nodes`, `cpus`, `memory`: the most its ranges use at once. `done` of `total` trials are kept. `decision`: pass,
    fail or insufficient, once `status` is `done`.
    """

    name: str
    project: str = ""
    actor: str = ""
    campaign: str
    options: Mapping[str, Any] = field(default_factory=dict)
    desired: Literal["done", "cancelled"] = "done"
    status: RunStatus = "queued"
    run: str = ""
    level: str = ""
    done: int = 0
    total: int = 0
    decision: str = ""
    reasons: tuple[str, ...] = ()
    nodes: int = 0
    cpus: float = 0.0
    memory: int = 0
    problem: Mapping[str, Any] | None = None
    started: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow(Work):
    """`warm` launched, unused copies of a topology (and tools), kept ready to be claimed."""

    name: str
    project: str = ""
    actor: str = ""
    topology: str
    tools: tuple[str, ...] = ()
    warm: int = 1
    desired: Literal["ready", "gone"] = "ready"
    status: PoolStatus = "filling"
    ready: int = 0
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow(Row):
    """Something uploaded, or a bundled thing as it was when it was first used. Never changes.

    `id` is `<org>:<kind>:<digest>`; `digest`: sha256 over names and contents of its files, hex. `main`: the path of the
    file that is the topology, tool, scenario, profile or campaign. `hidden`: deleted by its owner, kept
    for what uses it.
    """

    kind: DocumentKind
    name: str
    title: str = ""
    digest: str
    main: str
    size: int = 0
    actor: str = ""
    bundled: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow(Row):
    """One file of a document. `id` is `<document>:<path>`; `path` is relative, without `..`."""

    document: str
    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Quota:
    """What an organisation may have at once, and for how long. None: no limit."""

    ranges: int | None = 20
    nodes: int | None = 200
    cpus: float | None = None
    memory: int | None = None
    lease: float | None = 7 * 86400.0
    runs: int | None = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgRow(Row):
    """An organisation. Its own row has `org` = `id`. `share`: its part of the machine against others when it is full.

    `used`: node-seconds, decayed to the moment `used_at` (fair share).
    """

    name: str
    quota: Quota = field(default_factory=Quota)
    share: float = 1.0
    used: float = 0.0
    used_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow(Row):
    """A project of an organisation: a name that ranges, runs and tokens may carry."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow(Row):
    """An API token. `id`: its public prefix; `digest`: SHA-256 (hex) of its secret. No `scopes`: all of its role."""

    name: str
    digest: str
    role: Role
    scopes: tuple[str, ...] = ()
    project: str = ""
    actor: str = ""
    expires: float = 0.0
    last_used: float = 0.0
    revoked: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow(Row):
    """The answer to a POST with an Idempotency-Key. `id`: digest of who and key. `status` 0: it is being worked on."""

    request: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    expires: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow(Row):
    """A ticket for one console, good once and for some seconds. `id`: SHA-256 of the ticket, hex.

    `until`: when the sign-in of `actor`, who asked for it, ends; 0.0 never. No console lasts longer.
    """

    range_id: str
    node: str
    actor: str
    argv: tuple[str, ...] = ()
    expires: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow(Row):
    """A fact, by name: the installation's id (`deployment`), who follows the alerts of a range (`alerts/<range>`)."""

    value: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event, in the order in which everybody sees them. `subject`: `range/<id>`, `run/<id>`, `pool/<id>`."""

    seq: int
    at: float
    org: str
    subject: str
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit log. `digest` is over all the rest, `previous` included: a chain over the installation."""

    seq: int
    at: float
    org: str
    actor: str
    action: str
    subject: str
    outcome: str
    detail: Mapping[str, Any]
    previous: str
    digest: str
