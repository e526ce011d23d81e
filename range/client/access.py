"""Who may do what: tokens, organisations, projects, use, and the audit log.

Knows: their routes. Must never: keep a token it was given.
"""

from __future__ import annotations

from collections.abc import Iterator

from range.client.asking import asked
from range.client.transport import Transport, word
from range.errors import NotFound
from range.wire import (
    AuditCheck,
    AuditView,
    Me,
    NewToken,
    OrgChange,
    OrgRequest,
    OrgView,
    ProjectRequest,
    ProjectView,
    TokenRequest,
    TokenView,
    UseView,
)


class Tokens:
    """`client.tokens`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[TokenView]:
        """The tokens of the organisation, without their secrets."""
        return self._to.pages("/v1/tokens", TokenView)

    def new(self, request: TokenRequest) -> NewToken:
        """A new token: its secret is in this answer and nowhere else."""
        return self._to.post("/v1/tokens", NewToken, request)

    def revoke(self, id_: str) -> None:
        """It is good for nothing from now on. Raises NotFound."""
        self._to.change("DELETE", f"/v1/tokens/{word(id_)}", None)


class Organisations:
    """`client.organisations`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[OrgView]:
        """Those I may see."""
        return self._to.pages("/v1/organisations", OrgView)

    def get(self, id_: str) -> OrgView:
        """One of them. Raises NotFound."""
        return self._to.get(_org(id_), OrgView)

    def new(self, request: OrgRequest) -> OrgView:
        """A new one. Raises Conflict, Forbidden."""
        return self._to.post("/v1/organisations", OrgView, request)

    def change(self, id_: str, change: OrgChange) -> OrgView:
        """Its name, quota or share. Raises Stale."""
        _, etag = self._to.tagged(_org(id_), OrgView)
        return self._to.change("PATCH", _org(id_), OrgView, change, etag=etag) or self.get(id_)


class Projects:
    """`client.projects`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[ProjectView]:
        """The projects of the organisation."""
        return self._to.pages("/v1/projects", ProjectView)

    def new(self, name: str) -> ProjectView:
        """A new one. Raises Conflict."""
        return self._to.post("/v1/projects", ProjectView, asked(ProjectRequest, name=name))

    def remove(self, name: str) -> None:
        """Delete it. Raises NotFound; Conflict: there is something in it."""
        found = [one for one in self.all() if name in (one.name, one.id)]
        if not found:
            raise NotFound(f"there is no project {name}", hint="`jointrange project ls` lists them")
        self._to.change("DELETE", f"/v1/projects/{word(found[0].id)}", None)


class Audit:
    """`client.audit`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[AuditView]:
        """Every entry, oldest first."""
        return self._to.pages("/v1/audit", AuditView)

    def verify(self) -> AuditCheck:
        """Whether the chain of entries holds."""
        return self._to.get("/v1/audit/verify", AuditCheck)


class Access:
    """Who I am, and what my organisation uses: `client.access`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def me(self) -> Me:
        """Who the service takes me for. Raises Unauthenticated."""
        return self._to.get("/v1/me", Me)

    def use(self, org: str = "") -> UseView:
        """What my organisation uses; the installation's administrators may ask for another. Raises NotFound."""
        return self._to.get("/v1/usage", UseView, org=org)


def _org(id_: str) -> str:
    return f"/v1/organisations/{word(id_)}"
