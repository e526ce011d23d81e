"""What Alembic runs: every migration that is due, over the connection it is given.

Knows: how Alembic is configured. Must never: open a connection, or end its transaction (range/store/migrating.py does).

A new migration: write `versions/m0002_<what>.py` by hand, with `down_revision` naming the one before it.
tests/unit/store/test_migrating.py compares what it makes with range/store/tables.py.
"""

from __future__ import annotations

from alembic import context

from range.store.tables import METADATA


def run() -> None:
    """Run what is due."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
