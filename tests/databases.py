"""Stores for tests, on both databases: a file of SQLite, and a real PostgreSQL from Debian's package.

Fixtures: `store` (ready), `database_url` (of the same database), `empty_url` (nothing in it yet), each once for
SQLite and once for PostgreSQL; `other` (the store once more); `cluster` (the server). A test that
needs PostgreSQL fails where it is missing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from range.rows import FactRow
from range.store.migrating import newest
from range.store.opening import open_store
from range.store.tables import METADATA
from range.stores import Store

START = 60.0
"""Seconds the server may take to answer."""
PASSWORD = "it's 100%/mine: a @ b"
"""With every character that a URL and a shell take for something else."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: on PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@dataclass
class Cluster:
    """A PostgreSQL server of our own: no network, a socket in `folder`, nothing kept."""

    folder: Path
    bin: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    empty: list[str] = field(default_factory=list)
    """Databases with every table and no rows, to be used again: making one takes longer than most tests."""
    server: subprocess.Popen[bytes] | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command as the user who may run the server, who is never root. It dies with us."""
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        return ["setpriv", *user, "--pdeathsig=QUIT", str(self.bin / program), *arguments]

    def make(self) -> None:
        """The cluster's files."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        arguments = ("-D", str(self.folder / "data"), "-U", "jointrange", "-E", "UTF8", "--no-sync")
        arguments += ("-A", "scram-sha-256", f"--pwfile={secret}")
        made = subprocess.run(
            self.command("initdb", *arguments, "--locale=C.UTF-8"), cwd=self.folder, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stdout + made.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = ("fsync=off", "full_page_writes=off", "listen_addresses=", f"unix_socket_directories={self.folder}")
        options = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            command = self.command("postgres", "-D", str(self.folder / "data"), *options)
            self.server = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + START
        while not self.answers():
            assert self.server.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()

    def answers(self) -> bool:
        """Whether somebody can connect."""
        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End every connection, and the server."""
        if self.server is not None:
            self.server.send_signal(3)
            self.server.wait(timeout=START)
            self.server = None

    def sql(self, statement: str) -> None:
        """Run one statement on the server."""
        with self.connect("postgres") as connection:
            connection.autocommit = True
            connection.execute(statement)

    def connect(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection to a database, beside whatever is tested."""
        return psycopg.connect(host=str(self.folder), user="jointrange", password=PASSWORD, dbname=name)

    def database(self, template: str = "template1") -> str:
        """A new database, as a copy of another; its name."""
        name = f"test_{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def emptied(self, name: str) -> bool:
        """Remove every row, for the next test. False: its tables are others now."""
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with self.connect(name) as connection:
            if connection.execute("SELECT version_num FROM alembic_version").fetchall() != [(newest(),)]:
                return False
            for table in reversed(METADATA.sorted_tables):
                connection.execute(f"DELETE FROM {table.name}")
            connection.execute("ALTER SEQUENCE events_seq_seq RESTART")
        return True

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql+psycopg://jointrange:{quote(PASSWORD, safe='')}@/{name}?host={self.folder}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server."""
    found = programs()
    if found is None:
        pytest.fail("no PostgreSQL is installed\nscript/bootstrap --tests installs it", pytrace=False)
    with tempfile.TemporaryDirectory(prefix="jointrange-pg-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder), found)
        try:
            made.make()
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="session")
def cluster_template(cluster: Cluster) -> str:
    """A database with every table, to be copied."""
    name = cluster.database()
    open_store(cluster.url(name), migrate=True).close()
    with cluster.connect(name) as connection:
        connection.execute("DELETE FROM facts")
    return name


@pytest.fixture(scope="session")
def file_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table, to be copied."""
    path = tmp_path_factory.mktemp("store") / "template.db"
    store = open_store(f"sqlite:///{path}", migrate=True)
    with store.writing() as rows:
        rows.remove(FactRow, "deployment")
    store.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.database()
    yield cluster.url(name)
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with every table, and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("file_template"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    template = request.getfixturevalue("cluster_template")
    name = cluster.empty.pop() if cluster.empty else cluster.database(template)
    yield cluster.url(name)
    if cluster.emptied(name):
        cluster.empty.append(name)
    else:
        cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store, empty but for its deployment id."""
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def other(database_url: str, store: Store) -> Iterator[Store]:
    """The same database as another process has it: connections, locks and poller of its own."""
    opened = open_store(database_url)
    yield opened
    opened.close()
