"""Who may do what: actions, roles, and whose rows are whose.

Knows: the one table from roles to actions (docs/access.md shows it); that a row is its organisation's, and for a token
of one project only its project's; that an administrator of the installation sees every organisation.
Must never: let a stranger tell a row of somebody else from one that is not there.

    demand(who, "ranges.write")                    # Forbidden
    row = own(rows, who, RangeRow, key)            # NotFound
    rows.find(RangeRow, **within(who, RangeRow))   # what this caller may see
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from range.errors import Forbidden, NotFound
from range.rows import (
    DocumentRow,
    OrgRow,
    PoolRow,
    ProjectRow,
    RangeRow,
    Role,
    Row,
    RunRow,
    TokenRow,
)
from range.service.context import Principal
from range.service.issuers import Issuer as Issuer
from range.stores import Reading

R = TypeVar("R", bound=Row)

Action = Literal[
    "documents.read", "documents.write", "ranges.read", "ranges.write", "ranges.exec", "ranges.links",
    "pools.read", "pools.write", "runs.read", "runs.write", "usage.read", "projects.write", "tokens.write",
    "organisations.write", "audit.read",
]  # fmt: skip
ACTIONS: tuple[Action, ...] = get_args(Action)

_VIEWER: frozenset[Action] = frozenset({"documents.read", "ranges.read", "pools.read", "runs.read", "usage.read"})
_OPERATOR: frozenset[Action] = _VIEWER | {
    "documents.write", "ranges.write", "ranges.exec", "ranges.links", "runs.write",
}  # fmt: skip
_TRAINER: frozenset[Action] = _OPERATOR | {"pools.write"}
_ADMIN: frozenset[Action] = _TRAINER | {"projects.write", "tokens.write", "audit.read"}

ROLES: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {"viewer": _VIEWER, "operator": _OPERATOR, "trainer": _TRAINER, "admin": _ADMIN}
)
"""What each role may do in its own organisation."""

INSTALLATION: frozenset[Action] = frozenset({"organisations.write"})
"""What an administrator of the installation may do besides; for them every action is about every organisation."""

WHOLE: frozenset[Action] = frozenset({"organisations.write", "projects.write", "audit.read"})
"""Actions about an organisation as a whole: never allowed to a token of one project."""

NOUNS: Mapping[type[Row], str] = MappingProxyType(
    {
        RangeRow: "range", RunRow: "run", PoolRow: "pool", DocumentRow: "document", TokenRow: "token",
        OrgRow: "organisation", ProjectRow: "project",
    }
)  # fmt: skip


def everywhere(who: Principal) -> bool:
    """Whether this is an administrator of the installation, who sees the rows of every organisation."""
    return who.org == "" and who.role == "admin" and not who.project


def granted(role: Role, org: str, project: str = "", scopes: Iterable[str] = ()) -> frozenset[Action]:
    """What a role may do in an organisation ("": the installation), a project, within scopes (none: all of them)."""
    allowed = ROLES[role]
    if org == "" and role == "admin":
        allowed |= INSTALLATION
    if project:
        allowed -= WHOLE
    wanted = frozenset(scopes)
    return frozenset(action for action in allowed if action in wanted) if wanted else allowed


def actions(who: Principal) -> frozenset[Action]:
    """Everything this caller may do."""
    return granted(who.role, who.org, who.project, who.scopes)


def may(who: Principal, action: Action) -> bool:
    """Whether this caller may do this."""
    return action in actions(who)


def demand(who: Principal, action: Action, *others: Action) -> None:
    """Raises Forbidden when this caller may do none of these; it says what would be needed."""
    if any(may(who, one) for one in (action, *others)):
        return
    needed = " or ".join((action, *others))
    roles = [role for role, allowed in ROLES.items() if action in allowed]
    if action in INSTALLATION:
        raise Forbidden(
            f"you may not do this: it needs {needed}", hint="only administrators of the installation may do it"
        )
    if action in granted(who.role, who.org) and who.project and action in WHOLE:
        raise Forbidden(
            f"you may not do this: it needs {needed}, and your token is of the project {who.project} only",
            hint="use a token of the whole organisation",
        )
    if action in granted(who.role, who.org):
        raise Forbidden(
            f"you may not do this: it needs {needed}, which is not among your token's scopes",
            hint="its scopes: " + ", ".join(sorted(who.scopes)),
        )
    raise Forbidden(
        f"you may not do this: it needs {needed}, and your role is {who.role}",
        hint=f"roles that may: {', '.join(roles)}",
    )


def sees(who: Principal, row: Row) -> bool:
    """Whether this row is one of the caller's organisation, and of its project if it has one."""
    if everywhere(who):
        return True
    if isinstance(row, OrgRow):
        return row.id == who.org
    if row.org != who.org:
        return False
    if not who.project:
        return True
    if isinstance(row, ProjectRow):
        return row.name == who.project
    return bool(getattr(row, "project", who.project) == who.project)


def within(who: Principal, kind: type[Row]) -> dict[str, Any]:
    """What `find` and `count` must be given so that they find only rows the caller may see."""
    if everywhere(who):
        return {}
    if kind is OrgRow:
        return {"id": who.org}
    equal: dict[str, Any] = {"org": who.org}
    if who.project and kind is ProjectRow:
        equal["name"] = who.project
    elif who.project and any(field.name == "project" for field in fields(kind)):
        equal["project"] = who.project
    return equal


def own(rows: Reading, who: Principal, kind: type[R], key: str) -> R:
    """A row the caller may see. Raises NotFound: there is none, or it is somebody else's; nobody can tell which.

    In the second case the error's cause is a Forbidden, for the audit log alone.
    """
    row = rows.get(kind, key)
    noun = NOUNS.get(kind, "row")
    missing = NotFound(f"there is no {noun} {key}", hint=f"list the {noun}s there are: you see those of yours")
    if row is None:
        raise missing
    if not sees(who, row):
        raise missing from Forbidden(f"{noun} {key} is of the organisation {row.org or '(the installation)'}")
    return row


def project_for(rows: Reading, who: Principal, wanted: str) -> str:
    """The project a new row goes to: the one that is asked for, else the caller's own, if any; "": none.

    Raises NotFound (the organisation has no such project), Forbidden (the token is of another project).
    """
    if who.project:
        if wanted not in ("", who.project):
            raise Forbidden(
                f"your token is of the project {who.project}, and this would be one of {wanted}",
                hint="leave `project` out, or use a token of that project",
            )
        return who.project
    if wanted and not rows.count(ProjectRow, org=who.org, name=wanted):
        raise NotFound(f"there is no project {wanted}", hint="make the project first, or name none")
    return wanted
