"""The database's commands, on SQLite: what they say, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from range.cli import store as commands
from range.errors import RangeError
from range.rows import ProjectRow
from range.store.opening import open_store


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(commands.app, words, env={"JOINTRANGE_DATA": str(folder / "data"), "COLUMNS": "200"})


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'data' / 'jointrange.db'}"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder whose database has one project."""
    assert run(tmp_path, "migrate").exit_code == 0
    made = open_store(url(tmp_path))
    with made.writing() as rows:
        rows.add(ProjectRow(id="p1", org="", created=1.0, name="pilot"))
    made.close()
    return tmp_path


def projects(folder: Path) -> list[str]:
    there = open_store(url(folder))
    try:
        with there.reading() as rows:
            return [row.name for row in rows.find(ProjectRow)]
    finally:
        there.close()


def test_there_and_back(filled: Path) -> None:
    file = filled / "kept.db"
    told = json.loads(run(filled, "backup", str(file), "--json").stdout)
    assert told["deployment"]
    assert told["path"] == str(file)
    there = open_store(url(filled))
    with there.writing() as rows:
        rows.remove(ProjectRow, "p1")
    there.close()
    ended = run(filled, "restore", str(file), "--force")
    assert ended.exit_code == 0, ended.output
    assert "restored 0 rows of ranges and runs, 0 events" in ended.stdout
    assert projects(filled) == ["pilot"]


def test_rows_are_not_replaced_unasked(filled: Path) -> None:
    file = filled / "kept.db"
    assert run(filled, "backup", str(file)).exit_code == 0
    ended = run(filled, "restore", str(file))
    assert isinstance(ended.exception, RangeError)
    assert "--force" in ended.exception.hint
    assert projects(filled) == ["pilot"]


def test_a_file_that_is_no_backup(filled: Path) -> None:
    file = filled / "text.db"
    file.write_text("not a database")
    ended = run(filled, "restore", str(file), "--force")
    assert isinstance(ended.exception, RangeError)
    assert "text.db" in str(ended.exception)
    assert projects(filled) == ["pilot"]


def test_migrating_twice_is_once(filled: Path) -> None:
    assert run(filled, "migrate").exit_code == 0
    assert projects(filled) == ["pilot"]
