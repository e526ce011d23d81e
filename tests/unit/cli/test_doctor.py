"""The doctor on a machine without an engine."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from range.cli import doctor


def app() -> typer.Typer:
    made = typer.Typer()
    doctor.register(made)
    return made


def test_no_engine_is_broken_and_the_rest_is_told(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app(), ["--json"], env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    told = json.loads(ended.stdout)
    assert ended.exit_code == 3
    assert told["broken"] >= 1
    found = {one["check"]: one for one in told["findings"]}
    assert found["engine"]["state"] == "broken"
    assert found["engine"]["remedy"]
    assert {"ansible", "clock", "disk for results"} <= set(found)


def test_the_table_shows_the_remedy(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app(), env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "COLUMNS": "200"})
    assert ended.exit_code == 3
    assert "broken" in ended.stdout
    assert "systemctl start docker" in ended.stdout
