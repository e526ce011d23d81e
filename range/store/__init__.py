"""Rows on disk: SQLAlchemy and Alembic, on SQLite or PostgreSQL."""
