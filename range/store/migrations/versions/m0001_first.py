"""The first tables.

Knows: the tables as they were in the first version of the service.
Must never: change once released, or import range/store/tables.py, which goes on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVING = sa.text("status NOT IN ('gone', 'failed')")

_ROW = "id:t org:t created:f version:i"
_WORK = f"{_ROW} generation:i seen:i step:t reason:t attempts:i next_at:f deadline:f holder:t held_until:f fence:i"
TABLES = {
    "ranges": f"{_WORK} name:t project:t actor:t topology:t tools:t desired:t status:t lease_until:f nodes:i cpus:f "
    "memory:i states:t remake:t opened:t pool:t claimed:b problem:t? started:f ended:f",
    "runs": f"{_WORK} name:t project:t actor:t campaign:t options:t desired:t status:t run:t level:t done:i total:i "
    "decision:t reasons:t nodes:i cpus:f memory:i problem:t? started:f ended:f",
    "pools": f"{_WORK} name:t project:t actor:t topology:t tools:t warm:i desired:t status:t ready:i problem:t?",
    "documents": f"{_ROW} kind:t name:t title:t digest:t main:t size:i actor:t bundled:b hidden:b",
    "organisations": f"{_ROW} name:t quota:t share:f used:f used_at:f",
    "projects": f"{_ROW} name:t",
    "tokens": f"{_ROW} name:t digest:t role:t scopes:t project:t actor:t expires:f last_used:f revoked:f",
    "answers": f"{_ROW} request:t status:i headers:t body:t expires:f",
    "tickets": f"{_ROW} range_id:t node:t actor:t argv:t expires:f",
    "facts": f"{_ROW} value:t",
}
"""Columns as `name:type`; t text, i whole number, f float, b yes or no; `?`: may be NULL."""
INDEXES = {
    "ranges": "due:next_at,id list:created,id org:org,created,id pool:pool status:status",
    "runs": "due:next_at,id list:created,id org:org,created,id status:status",
    "pools": "due:next_at,id org:org,created,id",
    "documents": "name:org,kind,name org:org,kind,created,id",
    "files": "document:document,created,id",
    "tokens": "org:org,created,id",
    "answers": "created:created,id",
    "tickets": "created:created,id",
    "events": "at:at org:org,seq subject:subject,seq",
    "audit": "org:org,seq",
}


def upgrade() -> None:
    """From nothing."""
    for table, columns in TABLES.items():
        op.create_table(table, *(_column(word) for word in columns.split()))
    op.create_table("files", *(_column(word) for word in f"{_ROW} document:t path:t".split()), _content(), _owner())
    counted = sa.Column("seq", COUNTER, primary_key=True, autoincrement=True)
    event = (_column(word) for word in ["at:f", "org:t", "subject:t", "type:t", "data:t"])
    op.create_table("events", counted, *event, sqlite_autoincrement=True)
    entry = ["at:f", "org:t", "actor:t", "action:t", "subject:t", "outcome:t", "detail:t", "previous:t", "digest:t"]
    numbered = sa.Column("seq", COUNTER, primary_key=True, autoincrement=False)
    op.create_table("audit", numbered, *(_column(word) for word in entry))
    for table, indexes in INDEXES.items():
        for name, _, columns in (index.partition(":") for index in indexes.split()):
            op.create_index(f"{table}_{name}", table, columns.split(","))
    for table in ("ranges", "pools"):
        where: dict[str, Any] = {"sqlite_where": LIVING, "postgresql_where": LIVING}
        op.create_index(f"{table}_name", table, ["org", "name"], unique=True, **where)
    op.create_index("projects_name", "projects", ["org", "name"], unique=True)
    op.create_index("documents_digest", "documents", ["org", "kind", "digest"], unique=True)


def _column(word: str) -> sa.Column[Any]:
    name, _, kind = word.partition(":")
    types: dict[str, Any] = {"t": TEXT, "i": sa.BigInteger(), "f": sa.Double(), "b": sa.Boolean()}
    return sa.Column(name, types[kind[0]], primary_key=name == "id", nullable=kind.endswith("?"))


def _content() -> sa.Column[Any]:
    return sa.Column("content", sa.LargeBinary(), nullable=False)


def _owner() -> sa.ForeignKeyConstraint:
    link: dict[str, Any] = {"ondelete": "CASCADE", "deferrable": True, "initially": "DEFERRED"}
    return sa.ForeignKeyConstraint(["document"], ["documents.id"], **link)
