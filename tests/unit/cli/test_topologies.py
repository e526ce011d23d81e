"""Commands on topology files, none of which needs an engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from range import catalogue
from range.cli.topologies import app
from range.errors import Conflict

RUN = CliRunner()


def test_a_good_file_is_ok() -> None:
    shown = RUN.invoke(app, ["check", "pair", "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["topology"] == "pair"


def test_the_list_has_every_bundled_one() -> None:
    assert {"pair", "company"} <= {one["name"] for one in json.loads(RUN.invoke(app, ["ls", "--json"]).stdout)}


@pytest.mark.parametrize("kind", ["topology", "tool", "scenario", "campaign"])
def test_schemas_are_for_editors(kind: str) -> None:
    assert "$schema" in json.loads(RUN.invoke(app, ["schema", "--kind", kind]).stdout)


@pytest.mark.parametrize(("form", "begins"), [("svg", "<svg"), ("mermaid", ""), ("dot", "")])
def test_drawings(form: str, begins: str, tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["graph", "pair", "--format", form])
    assert shown.exit_code == 0
    assert shown.stdout.startswith(begins)
    assert "one" in shown.stdout
    assert RUN.invoke(app, ["graph", "pair", "--format", form, "--output", str(tmp_path / "x")]).exit_code == 0
    assert (tmp_path / "x").read_text() == shown.stdout


def test_a_path_is_shown_as_it_is(tmp_path: Path) -> None:
    """Square brackets are no markup, words between colons no emoji."""
    folder = tmp_path / "[red]" / ":smile:"
    folder.mkdir(parents=True)
    (folder / "t.yaml").write_text((catalogue.root() / "topologies/pair/topology.yaml").read_text())
    shown = RUN.invoke(app, ["check", str(folder / "t.yaml")])
    assert shown.exit_code == 0
    assert "[red]/:smile:/t.yaml" in shown.stdout.replace("\n", "")


def test_a_drawing_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["graph", "pair", "--output", str(tmp_path / "nowhere" / "x.svg")])
    assert isinstance(shown.exception, Conflict)
    assert "--output" in shown.exception.hint
