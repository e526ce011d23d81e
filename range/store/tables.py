"""The tables: one for each record of range/rows.py, column by column, with what must be unique and what is looked up.

Knows: names, types, indexes. Must never: run a statement, or change without a migration (range/store/migrations/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table, text

from range import rows
from range.store.columns import COUNTER, flag, nested, number, octets, whole, words

METADATA = MetaData()

_TEXTS = tuple[str, ...]
_DATA = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """What must be unique among the live rows of a table. `dead`: the values of `status` that free a name."""

    fields: tuple[str, ...]
    dead: tuple[str, ...] = ()


NAMES: Mapping[type[rows.Row], Names] = MappingProxyType(
    {
        rows.RangeRow: Names(("org", "project", "name"), rows.RANGE_ENDS),
        # The name of a pool that failed is kept by range/service/pools.py, not by the index.
        rows.PoolRow: Names(("org", "project", "name"), (*rows.POOL_ENDS, "failed")),
        rows.ProjectRow: Names(("org", "name")),
        rows.DocumentRow: Names(("org", "kind", "digest")),
    }
)


def _row() -> tuple[Column[Any], ...]:
    return words("id", key=True), words("org"), number("created"), whole("version")


def _work() -> tuple[Column[Any], ...]:
    return (
        *_row(),
        *(whole("generation"), whole("seen"), words("step"), words("reason"), whole("attempts")),
        *(number("next_at"), number("deadline"), words("holder"), number("held_until"), whole("fence")),
    )


def _unique(name: str, names: Names) -> Index:
    """`unique`: among the rows whose status is not one of the dead ones."""
    if not names.dead:
        return Index(name, *names.fields, unique=True)
    living = text("status NOT IN ({})".format(", ".join(f"'{status}'" for status in names.dead)))
    return Index(name, *names.fields, unique=True, sqlite_where=living, postgresql_where=living)


RANGES = Table(
    "ranges",
    METADATA,
    *_work(),
    *(words("name"), words("project"), words("actor"), words("topology"), nested("tools", _TEXTS), words("desired")),
    *(words("status"), number("lease"), number("lease_until"), whole("nodes"), number("cpus"), whole("memory")),
    *(nested("states", tuple[rows.NodeState, ...]), nested("remake", _TEXTS), nested("opened", _TEXTS)),
    *(words("pool"), flag("claimed"), nested("problem", _DATA, optional=True), number("started"), number("ended")),
    _unique("ranges_name", NAMES[rows.RangeRow]),
    Index("ranges_due", "next_at", "id"),
    Index("ranges_list", "created", "id"),
    Index("ranges_org", "org", "created", "id"),
    Index("ranges_pool", "pool"),
    Index("ranges_status", "status"),
)
RUNS = Table(
    "runs",
    METADATA,
    *_work(),
    *(words("name"), words("project"), words("actor"), words("campaign"), nested("options", _DATA), words("desired")),
    *(words("status"), words("run"), words("level"), whole("done"), whole("total"), words("decision")),
    *(nested("reasons", _TEXTS), whole("nodes"), number("cpus"), whole("memory")),
    *(nested("problem", _DATA, optional=True), number("started"), number("ended")),
    Index("runs_due", "next_at", "id"),
    Index("runs_list", "created", "id"),
    Index("runs_org", "org", "created", "id"),
    Index("runs_status", "status"),
)
POOLS = Table(
    "pools",
    METADATA,
    *_work(),
    *(words("name"), words("project"), words("actor"), words("topology"), nested("tools", _TEXTS), whole("warm")),
    *(words("desired"), words("status"), whole("ready"), nested("problem", _DATA, optional=True)),
    _unique("pools_name", NAMES[rows.PoolRow]),
    Index("pools_due", "next_at", "id"),
    Index("pools_org", "org", "created", "id"),
)
DOCUMENTS = Table(
    "documents",
    METADATA,
    *_row(),
    *(words("kind"), words("name"), words("title"), words("digest"), words("main"), whole("size"), words("actor")),
    *(flag("bundled"), flag("hidden")),
    _unique("documents_digest", NAMES[rows.DocumentRow]),
    Index("documents_name", "org", "kind", "name"),
    Index("documents_org", "org", "kind", "created", "id"),
)
FILES = Table(
    "files",
    METADATA,
    *_row(),
    *(words("document", of="documents.id"), words("path"), octets("content")),
    Index("files_document", "document", "created", "id"),
)
ORGANISATIONS = Table(
    "organisations",
    METADATA,
    *_row(),
    *(words("name"), nested("quota", rows.Quota), number("share"), number("used"), number("used_at")),
)
PROJECTS = Table("projects", METADATA, *_row(), words("name"), _unique("projects_name", NAMES[rows.ProjectRow]))
TOKENS = Table(
    "tokens",
    METADATA,
    *_row(),
    *(words("name"), words("digest"), words("role"), nested("scopes", _TEXTS), words("project"), words("actor")),
    *(number("expires"), number("last_used"), number("revoked")),
    Index("tokens_org", "org", "created", "id"),
)
ANSWERS = Table(
    "answers",
    METADATA,
    *_row(),
    *(words("request"), whole("status"), nested("headers", Mapping[str, str]), words("body"), number("expires")),
    Index("answers_created", "created", "id"),
)
TICKETS = Table(
    "tickets",
    METADATA,
    *_row(),
    *(words("range_id"), words("node"), words("actor"), nested("argv", _TEXTS), number("expires")),
    number("until"),
    Index("tickets_created", "created", "id"),
)
FACTS = Table("facts", METADATA, *_row(), words("value"))
EVENTS = Table(
    "events",
    METADATA,
    Column("seq", COUNTER, primary_key=True, autoincrement=True),
    *(number("at"), words("org"), words("subject"), words("type"), nested("data", _DATA)),
    Index("events_at", "at"),
    Index("events_org", "org", "seq"),
    Index("events_subject", "subject", "seq"),
    sqlite_autoincrement=True,
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", COUNTER, primary_key=True, autoincrement=False),
    *(number("at"), words("org"), words("actor"), words("action"), words("subject"), words("outcome")),
    *(nested("detail", _DATA), words("previous"), words("digest")),
    Index("audit_org", "org", "seq"),
)

TABLES: Mapping[type[rows.Row], Table] = MappingProxyType(
    {
        rows.RangeRow: RANGES,
        rows.RunRow: RUNS,
        rows.PoolRow: POOLS,
        rows.DocumentRow: DOCUMENTS,
        rows.FileRow: FILES,
        rows.OrgRow: ORGANISATIONS,
        rows.ProjectRow: PROJECTS,
        rows.TokenRow: TOKENS,
        rows.AnswerRow: ANSWERS,
        rows.TicketRow: TICKETS,
        rows.FactRow: FACTS,
    }
)
