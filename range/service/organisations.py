"""Organisations and their projects: made, changed, listed.

Knows: that an organisation's row is its own (`org` = `id`), and that a project which is in use stays.
Must never: let an organisation see another one, or change its own quota.
"""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from range.errors import Conflict, Stale
from range.rows import POOL_ENDS, RANGE_ENDS, RUN_ENDS, OrgRow, PoolRow, ProjectRow, Quota, RangeRow, RunRow, TokenRow
from range.service.access import NOUNS, own
from range.service.context import Principal
from range.stores import Writing
from range.wire import OrgChange, OrgRequest, OrgView, ProjectRequest, ProjectView, QuotaView


def create(rows: Writing, who: Principal, request: OrgRequest, now: float) -> OrgRow:
    """A new organisation. Raises Conflict: there is one of this id."""
    row = OrgRow(
        id=request.id, org=request.id, created=now, name=request.name or request.id, quota=_quota(request.quota),
        share=request.share, used_at=now,
    )  # fmt: skip
    rows.add(row)
    rows.note(row.id, who.id, "organisations.create", f"organisation/{row.id}", name=row.name)
    return row


def change(rows: Writing, who: Principal, key: str, request: OrgChange, *, version: int | None = None) -> OrgRow:
    """Change its name, quota or share. What it has already stays. `version`: its `mark` as the caller saw it.

    Raises NotFound, Stale.
    """
    row = own(rows, who, OrgRow, key)
    if version is not None and version != mark(row):
        raise Stale(f"the organisation {key} has changed", hint="read it again, and decide again")
    wanted: dict[str, Any] = {}
    if request.name is not None:
        wanted["name"] = request.name
    if request.quota is not None:
        wanted["quota"] = _quota(request.quota)
    if request.share is not None:
        wanted["share"] = request.share
    row = rows.change(OrgRow, key, **(wanted or {"name": row.name}))
    told: dict[str, Any] = {
        name: asdict(value) if isinstance(value, Quota) else value for name, value in wanted.items()
    }
    rows.note(row.id, who.id, "organisations.change", f"organisation/{row.id}", **told)
    return row


def create_project(rows: Writing, who: Principal, request: ProjectRequest, now: float) -> ProjectRow:
    """A new project of the caller's organisation. Raises Conflict."""
    key = f"{who.org}:{request.name}"
    row = ProjectRow(id=key, org=who.org, created=now, name=request.name)
    rows.add(row)
    rows.note(row.org, who.id, "projects.create", f"project/{key}")
    return row


def remove_project(rows: Writing, who: Principal, key: str, *, version: int | None = None) -> None:
    """Remove a project that nothing uses any more. Raises NotFound, Conflict, Stale."""
    row = own(rows, who, ProjectRow, key)
    if version is not None and version != row.version:
        rows.change(ProjectRow, key, version=version, name=row.name)
    used: list[RangeRow | RunRow | PoolRow] = [
        *(one for one in rows.find(RangeRow, org=row.org, project=row.name) if one.status not in RANGE_ENDS),
        *(one for one in rows.find(RunRow, org=row.org, project=row.name) if one.status not in RUN_ENDS),
        *(one for one in rows.find(PoolRow, org=row.org, project=row.name) if one.status not in POOL_ENDS),
    ]
    if used:
        raise Conflict(
            f"the project {row.name} still has the {NOUNS[type(used[0])]} {used[0].id}",
            hint="end what is in it, then try again",
        )
    if any(not token.revoked for token in rows.find(TokenRow, org=row.org, project=row.name)):
        raise Conflict(f"there are tokens of the project {row.name}", hint="revoke them, then try again")
    rows.remove(ProjectRow, key)
    rows.note(row.org, who.id, "projects.remove", f"project/{key}")


def mark(row: OrgRow) -> int:
    """A number for what can be changed of it. The row's own version will not do: its use is counted every minute."""
    return int(sha256(repr((row.name, row.quota, row.share)).encode()).hexdigest()[:12], 16)


def view(row: OrgRow) -> OrgView:
    """As the API shows it."""
    return OrgView(id=row.id, name=row.name, quota=quota_view(row.quota), share=row.share, created=row.created)


def project_view(row: ProjectRow) -> ProjectView:
    """As the API shows it."""
    return ProjectView(id=row.id, org=row.org, name=row.name, created=row.created)


def quota_view(quota: Quota) -> QuotaView:
    """As the API shows it."""
    return QuotaView(**asdict(quota))


def _quota(said: QuotaView) -> Quota:
    return Quota(**said.model_dump())
