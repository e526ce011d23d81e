"""Backup and restore of the whole store, while it is in use.

Knows: how each database is copied whole, and what a copy must have before it is put in place.
Must never: overwrite what it was not told to, or leave half a copy under the name of a whole one.

SQLite: a file that is a database itself. PostgreSQL: pg_dump's custom format. Both are one snapshot.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, text

from range.errors import Conflict, NotFound, Refused, StoreUnavailable
from range.store.faults import told
from range.store.migrating import known, newest
from range.store.opening import DEPLOYMENT, dialect, parsed
from range.store.postgresql import conninfo

_DEBIAN = Path("/usr/lib/postgresql")
_LEAVING = 2.0
"""Seconds a server may take to notice that somebody has gone."""
_THERE = text("SELECT to_regclass('public.facts') IS NOT NULL")
_OTHERS = text(
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'"
)
"""Sessions of clients; of other roles one sees that they are there, and little else."""
_CLEAR = """
SET LOCAL lock_timeout = '6s';
SET LOCAL client_min_messages = warning;
DO $$
DECLARE command text;
BEGIN
    FOR command IN
        SELECT format('DROP %s IF EXISTS public.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm'
            THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    LOOP
        EXECUTE command;
    END LOOP;
END $$
"""
"""The schema `public` is emptied, also of tables that only a later version has; what an extension made stays."""


@dataclass(frozen=True, slots=True)
class BackupInfo:
    """What a copy holds. `deployment`: whose it is; `revision`: of its tables; `size`: bytes of the file."""

    path: Path
    deployment: str
    revision: str
    size: int
    rows: int
    events: int


def backup(url: str, target: Path) -> BackupInfo:
    """Copy the store at `url` into a new file, readable for its owner only. Others may go on writing.

    Raises Conflict (the file is there), NotFound (no store there, or no pg_dump), StoreUnavailable, Exhausted.
    """
    found = parsed(url)
    if target.exists():
        raise Conflict(f"{target} is already there", hint="name a new file")
    with _beside(target) as part:
        if found.drivername == "sqlite":
            source = Path(found.database or "")
            if not source.exists():
                raise NotFound(f"there is no database {source}", hint="is the URL right?")
            with told(f"the database {source}"):
                _copy(source, part)
            info = _looked_at(part, target)
        else:
            _counted(url, target, 0)
            _run(found, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
            info = _counted(url, target, part.stat().st_size)
        _settle(part, target)
    return info


def restore(url: str, source: Path, *, force: bool = False) -> BackupInfo:
    """Put the copy in the place of the store at `url`; the service must not run meanwhile.

    `force`: also where there is a store already, of whatever version: it is gone then. A copy of an older version is
    brought up to date by a next `open_store(..., migrate=True)`. Raises NotFound, Conflict (there is a store), Refused
    (no sound copy, or of a later version), StoreUnavailable (also: somebody uses the store), Exhausted; then what was
    there is there.
    """
    found = parsed(url)
    if not source.is_file():
        raise NotFound(f"there is no file {source}")
    with source.open("rb") as file:
        kind = {b"SQLit": "sqlite", b"PGDMP": "postgresql+psycopg"}.get(file.read(5), "")
    if kind != found.drivername:
        what = {"sqlite": "of SQLite", "postgresql+psycopg": "of PostgreSQL"}.get(kind, "at all")
        raise Refused(
            f"{source} is no backup of {found.get_backend_name()}" + (f", but {what}" if kind else f" {what}")
        )
    if kind == "sqlite":
        return _restore_file(Path(found.database or ""), source, force)
    return _restore_server(url, found, source, force)


def _restore_file(target: Path, source: Path, force: bool) -> BackupInfo:
    if target.exists() and not force:
        raise Conflict(f"there is already a database {target}", hint="`--force` puts the copy in its place")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as part, told(f"the database {target}"):
        _copy(source, part)
        info = _looked_at(part, target)
        _demand_idle(target)
        for leaving in (target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm")):
            leaving.unlink(missing_ok=True)
        _settle(part, target)
    return info


def _demand_idle(target: Path) -> None:
    """Raises StoreUnavailable: somebody has the file open. Leaving WAL is possible only for the last who has."""
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(target, timeout=1.0)) as old:
            old.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreUnavailable(f"the database {target} is in use", hint="stop the service first") from error
        # what is damaged may go: that is what a backup is for


def _restore_server(url: str, found: URL, source: Path, force: bool) -> BackupInfo:
    """The archive is judged before the database is touched; what was in it goes in the transaction that fills it."""
    listed = _run(None, "pg_restore", "--list", str(source))
    if "TABLE DATA public facts" not in listed:
        raise Refused(f"{source} is no backup of a store of Jointrange")
    _must_know(_archived(source), source)
    database = dialect(url)
    try:
        with told(database.where), database.alone.connect() as connection:
            there = bool(connection.execute(_THERE).scalar_one())
            if there and not force:
                raise Conflict(
                    f"there is already a store in {database.where}", hint="`--force` puts the copy in its place"
                )
            _demand_alone(connection, database.where)
    finally:
        database.dispose()
    with tempfile.TemporaryDirectory(prefix="jointrange-restore-") as folder:
        script = Path(folder) / "rows.sql"
        options = ("--schema=public", "--no-owner", "--no-privileges", f"--file={script}")
        _run(None, "pg_restore", *options, str(source))
        first = ["--command", _CLEAR] if there else []
        _run(found, "psql", "-XqAt", "-vON_ERROR_STOP=1", "--single-transaction", *first, f"--file={script}")
    return _counted(url, source, source.stat().st_size)


def _archived(source: Path) -> str:
    """The revision of the tables in an archive of pg_dump. Raises Refused: it has none."""
    archived = _run(
        None, "pg_restore", "--data-only", "--schema=public", "--table=alembic_version", "--file=-", str(source)
    )
    lines = iter(archived.splitlines())
    if not any(line.startswith("COPY public.alembic_version ") for line in lines):
        raise Refused(f"{source} does not say of which version it is", hint="take another backup")
    return next(lines, "")


def _demand_alone(connection: Connection, where: str) -> None:
    """Raises StoreUnavailable: others are connected to the database, and stay.

    One that ends needs a moment for it, and PostgreSQL tells nobody when it has: this looks until its time is over.
    """
    until = time.monotonic() + _LEAVING
    while others := connection.execute(_OTHERS).scalars().all():
        if time.monotonic() >= until:
            names = ", ".join(sorted({name or "a program without a name" for name in others}))
            raise StoreUnavailable(
                f"{where} is in use by {names} ({len(others)} sessions)", hint="stop the service first, every replica"
            )
        time.sleep(0.05)


def _copy(source: Path, target: Path) -> None:
    """SQLite's own backup: one snapshot, also while others write."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def _looked_at(copy: Path, called: Path) -> BackupInfo:
    """What is in a file of SQLite. Raises Refused: it is not sound, not ours, or of a later version."""
    with closing(sqlite3.connect(copy)) as database:
        try:
            [(sound,)] = database.execute("PRAGMA integrity_check(1)").fetchall()
            if sound != "ok":
                raise Refused(f"{called} is damaged: {sound}", hint="take another backup")
            revision = _one(database, "SELECT version_num FROM alembic_version")
            whose = _one(database, f"SELECT value FROM facts WHERE id = '{DEPLOYMENT}'")  # noqa: S608 (a constant)
            held = int(_one(database, "SELECT (SELECT count(*) FROM ranges) + (SELECT count(*) FROM runs)"))
            events = int(_one(database, "SELECT count(*) FROM events"))
        except (sqlite3.DatabaseError, TypeError) as error:
            raise Refused(f"{called} holds no store of Jointrange: {error}", hint="take another backup") from error
    _must_know(revision, called)
    return BackupInfo(called, whose, revision, copy.stat().st_size, held, events)


def _one(database: sqlite3.Connection, statement: str) -> str:
    return str(database.execute(statement).fetchone()[0])


def _counted(url: str, called: Path, size: int) -> BackupInfo:
    """What is in a server's database. Raises NotFound: no store; Refused: of a later version."""
    database = dialect(url)
    try:
        with told(database.where), database.readers.connect() as connection:
            if not connection.execute(text("SELECT to_regclass('facts') IS NOT NULL")).scalar_one():
                raise NotFound(f"there is no store in {database.where}", hint="is the URL right?")
            revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
            whose = connection.execute(
                text("SELECT value FROM facts WHERE id = :key"), {"key": DEPLOYMENT}
            ).scalar_one()
            held = connection.execute(text("SELECT (SELECT count(*) FROM ranges) + (SELECT count(*) FROM runs)"))
            events = connection.execute(text("SELECT count(*) FROM events"))
            info = BackupInfo(called, whose, revision, size, int(held.scalar_one()), int(events.scalar_one()))
    finally:
        database.dispose()
    _must_know(info.revision, called)
    return info


def _must_know(revision: str, called: Path) -> None:
    if revision not in known():
        raise Refused(
            f"{called} was made by a later version of Jointrange (revision {revision}, here {newest()})",
            hint="install that version",
        )


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file next to the target, gone afterwards unless it was renamed."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise StoreUnavailable(
            f"cannot write in {target.parent}: {error.strerror}", hint="choose another folder"
        ) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    """On the disk first, then under its name."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(target)


def program(name: str) -> str:
    """The newest of PostgreSQL's programs of this name. Raises NotFound."""
    debian = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3].partition(".")[0]), reverse=True)
    found = shutil.which(
        name, path=os.pathsep.join([*(str(path.parent) for path in debian), os.environ.get("PATH", "")])
    )
    if found is None:
        raise NotFound(f"{name} is not installed", hint="Debian's package postgresql-client has it")
    return found


def _run(found: URL | None, name: str, *arguments: str) -> str:
    """Run a program, on that database; its password is in no command line. Raises StoreUnavailable."""
    there = [] if found is None else ["--dbname=" + conninfo(found, password=False)]
    secret = {} if found is None or found.password is None else {"PGPASSWORD": str(found.password)}
    command = [program(name), *there, *arguments]
    ended = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **secret}
    )
    if ended.returncode:
        said = " ".join(ended.stderr.split()) or f"exit code {ended.returncode}"
        raise StoreUnavailable(f"{name} failed: {said}", hint="is the server up, and as new as the program?")
    return ended.stdout
