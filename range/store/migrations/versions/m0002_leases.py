"""Leases that begin with their range, names within a project, and tickets that end with their token.

Knows: what the tables of the first version lack. Must never: change once released, or import range/store/tables.py.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

LIVING = sa.text("status NOT IN ('gone', 'failed')")


def upgrade() -> None:
    """From 0001. A range that is there keeps the end of its lease; a ticket that is open lasts as it would have."""
    for table in ("ranges", "pools"):
        op.drop_index(f"{table}_name", table)
    for table, column in (("ranges", "lease"), ("tickets", "until")):
        with op.batch_alter_table(table) as changed:
            changed.add_column(sa.Column(column, sa.Double(), nullable=False, server_default="0"))
        with op.batch_alter_table(table) as changed:
            changed.alter_column(column, server_default=None)
    for table in ("ranges", "pools"):
        where: dict[str, Any] = {"sqlite_where": LIVING, "postgresql_where": LIVING}
        op.create_index(f"{table}_name", table, ["org", "project", "name"], unique=True, **where)
