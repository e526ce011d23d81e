"""Who may call what: one row for each route of the service. tests/api/test_tenancy.py walks all of them.

Knows: method and path -> the action it needs, or the actions of which one will do; None: any caller we know; "public":
anybody; "ticket": whoever has the ticket that is in the path.
Must never: miss a route: an app with a route that is not here does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from range.service.access import Action
from range.wire import KINDS

Right = Action | tuple[Action, ...] | Literal["public", "ticket"] | None

_DOCUMENT: tuple[tuple[str, str, Action], ...] = (
    ("GET", "", "documents.read"),
    ("POST", "", "documents.write"),
    ("GET", "/{ref}", "documents.read"),
    ("GET", "/{ref}/versions", "documents.read"),
    ("GET", "/{ref}/files/{path:path}", "documents.read"),
    ("DELETE", "/{ref}", "documents.write"),
)
_DOCUMENTS: dict[tuple[str, str], Right] = {
    (method, f"/v1/{called.segment}{path}"): right for called in KINDS.values() for method, path, right in _DOCUMENT
}

_RANGES: dict[tuple[str, str], Right] = {
    ("GET", "/v1/topologies/{ref}/drawing"): "documents.read",
    ("GET", "/v1/ranges"): "ranges.read",
    ("POST", "/v1/ranges"): "ranges.write",
    ("GET", "/v1/ranges/{id}"): "ranges.read",
    ("PATCH", "/v1/ranges/{id}"): "ranges.write",
    ("DELETE", "/v1/ranges/{id}"): "ranges.write",
    ("GET", "/v1/ranges/{id}/plan"): "ranges.read",
    ("POST", "/v1/ranges/{id}/lease"): "ranges.write",
    ("POST", "/v1/ranges/{id}/reset"): "ranges.write",
    ("GET", "/v1/ranges/{id}/links"): "ranges.read",
    ("PUT", "/v1/ranges/{id}/links/{node}/{interface}"): "ranges.links",
    ("POST", "/v1/ranges/{id}/nodes/{node}/exec"): "ranges.exec",
    ("GET", "/v1/ranges/{id}/nodes/{node}/logs"): "ranges.read",
    ("POST", "/v1/ranges/{id}/nodes/{node}/console"): "ranges.exec",
    ("WS", "/v1/consoles/{ticket}"): "ticket",
    ("GET", "/v1/ranges/{id}/captures/{network}"): "ranges.exec",
    ("GET", "/v1/ranges/{id}/drawing"): "ranges.read",
    ("GET", "/v1/ranges/{id}/events"): "ranges.read",
    ("GET", "/v1/pools"): "pools.read",
    ("POST", "/v1/pools"): "pools.write",
    ("GET", "/v1/pools/{id}"): "pools.read",
    ("PATCH", "/v1/pools/{id}"): "pools.write",
    ("DELETE", "/v1/pools/{id}"): "pools.write",
}

_RUNS: dict[tuple[str, str], Right] = {
    ("GET", "/v1/runs"): "runs.read",
    ("POST", "/v1/runs"): "runs.write",
    ("GET", "/v1/runs/{id}"): "runs.read",
    ("POST", "/v1/runs/{id}/cancel"): "runs.write",
    ("GET", "/v1/runs/{id}/verdicts"): "runs.read",
    ("GET", "/v1/runs/{id}/files"): "runs.read",
    ("GET", "/v1/runs/{id}/files/{name:path}"): "runs.read",
    ("GET", "/v1/runs/{id}/bundle"): "runs.read",
    ("POST", "/v1/runs/{id}/rescore"): "runs.write",
    ("GET", "/v1/runs/{id}/events"): "runs.read",
}

_ACCESS: dict[tuple[str, str], Right] = {
    ("GET", "/v1/events"): ("ranges.read", "runs.read", "pools.read"),
    ("GET", "/v1/sign-in"): "public",
    ("GET", "/v1/me"): None,
    ("GET", "/v1/organisations"): "usage.read",
    ("POST", "/v1/organisations"): "organisations.write",
    ("GET", "/v1/organisations/{id}"): "usage.read",
    ("PATCH", "/v1/organisations/{id}"): "organisations.write",
    ("GET", "/v1/projects"): "usage.read",
    ("POST", "/v1/projects"): "projects.write",
    ("DELETE", "/v1/projects/{id}"): "projects.write",
    ("GET", "/v1/tokens"): "tokens.write",
    ("POST", "/v1/tokens"): "tokens.write",
    ("DELETE", "/v1/tokens/{id}"): "tokens.write",
    ("GET", "/v1/usage"): "usage.read",
    ("GET", "/v1/audit"): "audit.read",
    ("GET", "/v1/audit/verify"): "audit.read",
}

_SYSTEM: dict[tuple[str, str], Right] = {
    ("GET", "/healthz"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/metrics"): "public",
    ("GET", "/openapi.json"): "public",
    ("GET", "/docs"): "public",
    ("GET", "/"): "public",
    ("GET", "/ui/{path:path}"): "public",
}

TABLE: Mapping[tuple[str, str], Right] = MappingProxyType({**_DOCUMENTS, **_RANGES, **_RUNS, **_ACCESS, **_SYSTEM})
"""(method, path template) -> what it needs. HEAD goes with GET."""
