"""Bodies about who may do what: organisations, projects, tokens, use and the audit log.

Knows: names, types and limits of JSON. Must never: know rows, or decide anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from range.rows import Quota, Role
from range.wire.shared import Body, Duration, Number, Slug, Whole


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


_QUOTA = Quota()


class QuotaView(Body):
    """What an organisation may have at once; null: no limit. `memory` in bytes, `lease` in seconds."""

    ranges: Annotated[Whole, Field(ge=0)] | None = _QUOTA.ranges
    nodes: Annotated[Whole, Field(ge=0)] | None = _QUOTA.nodes
    cpus: Annotated[Number, Field(ge=0)] | None = _QUOTA.cpus
    memory: Annotated[Whole, Field(ge=0)] | None = _QUOTA.memory
    lease: Annotated[Number, Field(gt=0)] | None = _QUOTA.lease
    runs: Annotated[Whole, Field(ge=0)] | None = _QUOTA.runs


class IssuerView(Body):
    """An issuer at which a browser may sign people in. `use`: which of its tokens is shown to this service."""

    name: str
    issuer: str
    client_id: str
    scope: str
    use: Literal["id_token", "access_token"]


class SignIn(Body):
    """How people may sign in, besides with a token."""

    issuers: tuple[IssuerView, ...] = ()


class OrgRequest(Body):
    """A new organisation."""

    id: Slug
    name: str = ""
    quota: QuotaView = QuotaView()
    share: Annotated[Number, Field(gt=0, le=1000)] = 1.0


class OrgChange(Body):
    """What may be changed of an organisation."""

    name: str | None = None
    quota: QuotaView | None = None
    share: Annotated[Number, Field(gt=0, le=1000)] | None = None


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
