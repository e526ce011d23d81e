"""Bodies about ranges and pools: what is wished for, and what is told of it.

Knows: names, types and limits of JSON. Must never: know rows, or decide anything.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from range.rows import PoolStatus, RangeStatus
from range.topology import Impairment
from range.wire.documents import Upload
from range.wire.shared import Body, Duration, Flag, Name, Number, Reference, Trouble, Whole


class RangeRequest(Body):
    """A range to launch: `topology` by reference, or `upload` with a new one. `lease`: how long it lives."""

    topology: Reference | None = None
    upload: Upload | None = None
    name: Name | None = None
    project: str = ""
    tools: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    lease: Duration | None = None
    warm: Flag = Field(True, description="Take a copy from a pool if there is one of this topology and tools")


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
    """A range. `queue`: its place in the queue, from 1; 0 when it is not waiting for the machine.

    `lease`: seconds it lives from its start on (0: for ever); `lease_until`: when that ends, 0 before it has begun.
    """

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
    lease: float = 0
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

    up: Flag = True
    impair: Impairment | None = None


class ExecRequest(Body):
    """A command for a node. Text goes to its shell; a list is run as it is. `timeout`: seconds, then it is killed."""

    command: str | Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    timeout: Annotated[Number, Field(gt=0, le=3600)] = 60.0
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


class PoolRequest(Body):
    """Keep `warm` copies of a topology launched and unused."""

    name: Name
    topology: Reference | None = None
    upload: Upload | None = None
    tools: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    warm: Annotated[Whole, Field(ge=0, le=50)] = 1
    project: str = ""


class PoolChange(Body):
    """How many copies to keep."""

    warm: Annotated[Whole, Field(ge=0, le=50)]


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
