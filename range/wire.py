"""What goes over the wire: every body the HTTP API takes or gives, as frozen pydantic models.

Knows: names, types and limits of JSON. The API answers with these and the client reads them: one shape, written once.
Must never: know HTTP, rows, or what an answer is decided by.

Times are seconds since the epoch (float, UTC). Durations that people write are texts like `90s`, `15m`, `2h`.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from range.rows import DocumentKind, PoolStatus, RangeStatus, Role, RunStatus
from range.topology import Impairment

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?(s|m|h|d)$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(@[0-9a-f]{6,64})?$")]
"""A document by name (its newest version), or by name and the beginning of its digest: `office@3fa9c1`."""

T = TypeVar("T")


class Body(BaseModel):
    """The base: frozen, and what is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- errors -------------------------------------------------------------------------------------------------------


class Position(Body):
    """One fault in something the caller wrote. Line and column count from 1; 0: the place is no file."""

    file: str
    line: int
    column: int
    what: str
    hint: str = ""


class Trouble(Body):
    """problem+json (RFC 9457). `error`: the class of the error; `exit`: the exit code the command line ends with."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    error: str = ""
    hint: str = ""
    exit: int = 3
    log: str = ""
    errors: tuple[Position, ...] = ()
    limit: str = ""
    allowed: float = 0
    used: float = 0
    room_at: float = 0


class Page(Body, Generic[T]):
    """Some of a list. `next`: the cursor for the rest; empty at the end."""

    items: tuple[T, ...]
    next: str = ""


# --- documents ----------------------------------------------------------------------------------------------------


class UploadFile(Body):
    """One file: its relative path, and its content as text or as base64."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    text: str | None = None
    base64: str | None = None


class Upload(Body):
    """A document: its files, and which of them is the topology, tool, scenario, profile or campaign."""

    main: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    files: Annotated[tuple[UploadFile, ...], Field(min_length=1, max_length=500)]


class DocumentView(Body):
    """A document. `bundled`: it comes with the installation."""

    kind: DocumentKind
    name: str
    title: str
    digest: str
    main: str
    size: int
    created: float
    actor: str
    bundled: bool


# --- ranges -------------------------------------------------------------------------------------------------------


class RangeRequest(Body):
    """A range to launch: `topology` by reference, or `upload` with a new one. `lease`: how long it lives."""

    topology: Reference | None = None
    upload: Upload | None = None
    name: Name | None = None
    project: str = ""
    tools: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    lease: Duration | None = None
    warm: bool = Field(True, description="Take a copy from a pool if there is one of this topology and tools")


class RangeChange(Body):
    """What may be changed of a range: its topology (the difference is carried out), its name."""

    topology: Reference | None = None
    upload: Upload | None = None
    name: Name | None = None


class Extension(Body):
    """How much longer the lease is to last, from now."""

    lease: Duration


class Reset(Body):
    """Nodes to be made anew; none named: all of them."""

    nodes: Annotated[tuple[str, ...], Field(max_length=500)] = ()


class EndView(Body):
    """One interface of a node."""

    interface: str
    segment: str
    address: str = ""
    address6: str = ""


class NodeView(Body):
    """One node. `status`: waiting, starting, ready or dead."""

    name: str
    status: str
    detail: str = ""
    kind: str = ""
    image: str = ""
    role: str = ""
    tools: tuple[str, ...] = ()
    ends: tuple[EndView, ...] = ()


class SegmentView(Body):
    """One network or link of a range."""

    name: str
    kind: str
    cidr: str = ""
    role: str = ""


class RangeView(Body):
    """A range. `queue`: its place in the queue, from 1; 0 when it is not waiting for the machine."""

    id: str
    org: str
    project: str
    name: str
    topology: str
    digest: str
    tools: tuple[str, ...]
    actor: str
    desired: str
    status: RangeStatus
    step: str
    reason: str
    generation: int
    seen: int
    created: float
    started: float
    ended: float
    lease_until: float
    queue: int = 0
    expected: float = 0
    pool: str = ""
    nodes: tuple[NodeView, ...] = ()
    segments: tuple[SegmentView, ...] = ()
    problem: Trouble | None = None


class PlanView(Body):
    """What would be done: one line a change, in stages; empty when the world is as wanted."""

    range_id: str
    empty: bool
    stages: tuple[tuple[str, ...], ...]


class LinkView(Body):
    """One cable as it is now."""

    node: str
    interface: str
    segment: str
    up: bool
    impair: Impairment | None = None


class LinkChange(Body):
    """Cut (`up` false), restore (`up` true) or impair a cable."""

    up: bool = True
    impair: Impairment | None = None


class ExecRequest(Body):
    """A command for a node. Text goes to its shell; a list is run as it is. `timeout`: seconds, then it is killed."""

    command: str | Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{0,64}$")] = ""


class ExecView(Body):
    """How a command ended; `exit_code` is null when it was killed. Outputs are base64."""

    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool
    truncated: bool


class ConsoleRequest(Body):
    """A console in a node: the program to run there."""

    argv: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class ConsoleView(Body):
    """Where the console is: open `path` as a WebSocket, once, before `expires`."""

    path: str
    expires: float


# --- pools --------------------------------------------------------------------------------------------------------


class PoolRequest(Body):
    """Keep `warm` copies of a topology launched and unused."""

    name: Name
    topology: Reference | None = None
    upload: Upload | None = None
    tools: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    warm: Annotated[int, Field(ge=0, le=50)] = 1
    project: str = ""


class PoolChange(Body):
    """How many copies to keep."""

    warm: Annotated[int, Field(ge=0, le=50)]


class PoolView(Body):
    """A pool. `ready` of `warm` copies can be claimed now."""

    id: str
    org: str
    project: str
    name: str
    topology: str
    digest: str
    tools: tuple[str, ...]
    warm: int
    ready: int
    status: PoolStatus
    reason: str
    created: float
    problem: Trouble | None = None


# --- runs ---------------------------------------------------------------------------------------------------------


class RunRequest(Body):
    """A campaign to run: by reference, or `upload` with a new one. The options are those of `jointrange run`."""

    campaign: Reference | None = None
    upload: Upload | None = None
    project: str = ""
    level: Literal["try", "pr", "nightly", "release"] | None = None
    trials: Annotated[int, Field(ge=1, le=100)] | None = None
    benign_window: Duration | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    fresh: bool = False


class RunView(Body):
    """A run. `decision`: pass, fail or insufficient once it is done; `exit`: what `jointrange run` would end with."""

    id: str
    org: str
    project: str
    campaign: str
    digest: str
    actor: str
    status: RunStatus
    step: str
    reason: str
    run: str
    level: str
    done: int
    total: int
    decision: str
    reasons: tuple[str, ...]
    exit: int | None
    created: float
    started: float
    ended: float
    queue: int = 0
    expected: float = 0
    files: tuple[str, ...] = ()
    problem: Trouble | None = None


class VerdictView(Body):
    """One step in one arm: what is decided and why. One row for each trial it was judged in."""

    arm: str
    trial: int
    step: str
    technique: str
    title: str
    label: str
    reason: str
    tools: tuple[str, ...] = ()
    seconds: float | None = None


class RescoreView(Body):
    """The same evidence, judged by the version that is running now."""

    equal: bool
    decision: str
    version: str
    differences: tuple[str, ...] = ()


# --- events -------------------------------------------------------------------------------------------------------


class EventView(Body):
    """One event; over SSE its `seq` is the id. docs/api.md lists the types and their data."""

    seq: int
    at: float
    subject: str
    type: str
    data: dict[str, Any]


# --- who may do what ----------------------------------------------------------------------------------------------


class Me(Body):
    """Who is asking."""

    id: str
    name: str
    org: str
    role: Role
    project: str
    scopes: tuple[str, ...]
    actions: tuple[str, ...]
    expires: float


class QuotaView(Body):
    """What an organisation may have at once; null: no limit. `memory` in bytes, `lease` in seconds."""

    ranges: Annotated[int, Field(ge=0)] | None = 20
    nodes: Annotated[int, Field(ge=0)] | None = 200
    cpus: Annotated[float, Field(ge=0)] | None = None
    memory: Annotated[int, Field(ge=0)] | None = None
    lease: Annotated[float, Field(gt=0)] | None = 604800.0
    runs: Annotated[int, Field(ge=0)] | None = 4


class OrgRequest(Body):
    """A new organisation."""

    id: Slug
    name: str = ""
    quota: QuotaView = QuotaView()
    share: Annotated[float, Field(gt=0, le=1000)] = 1.0


class OrgChange(Body):
    """What may be changed of an organisation."""

    name: str | None = None
    quota: QuotaView | None = None
    share: Annotated[float, Field(gt=0, le=1000)] | None = None


class OrgView(Body):
    """An organisation."""

    id: str
    name: str
    quota: QuotaView
    share: float
    created: float


class ProjectRequest(Body):
    """A new project of the caller's organisation."""

    name: Slug


class ProjectView(Body):
    """A project."""

    id: str
    org: str
    name: str
    created: float


class TokenRequest(Body):
    """A new token. `lease`: how long it is good. `org`: only the installation's administrators may name another."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    role: Role = "viewer"
    scopes: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    project: str = ""
    lease: Duration = "90d"
    org: Slug | None = None


class TokenView(Body):
    """A token, without its secret. Times 0: never."""

    id: str
    org: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    project: str
    actor: str
    created: float
    expires: float
    last_used: float
    revoked: float


class NewToken(TokenView):
    """A token just made: `token` is shown this once."""

    token: str


class UseView(Body):
    """What an organisation uses, against its quota; and what waits for the machine."""

    org: str
    quota: QuotaView
    ranges: int
    nodes: int
    cpus: float
    memory: int
    runs: int
    queued: int
    share: float
    used: float
    priority: float


class AuditView(Body):
    """One entry of the audit log."""

    seq: int
    at: float
    org: str
    actor: str
    action: str
    subject: str
    outcome: str
    detail: dict[str, Any]
    previous: str
    digest: str


class AuditCheck(Body):
    """Whether the chain holds: `entries` were checked, `broken_at` is the first that does not fit (0: none)."""

    holds: bool
    entries: int
    head: str
    broken_at: int = 0
    why: str = ""
