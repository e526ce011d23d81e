"""Commands on organisations, projects and their use, asked of a real service."""

from __future__ import annotations

import json

import pytest

from range.cli.organisations import limits
from range.errors import Invalid
from range.exits import BAD_INPUT, PASS
from tests.unit.cli.program import Program


def test_an_organisation_and_its_limits(remote: Program) -> None:
    code, out, error = remote("org", "new", "green", "--name", "Green", "--limit", "ranges=3", "--limit", "lease=none")
    assert code == PASS, error
    assert out == "organisation green: share 1, limits ranges 3, nodes 200, runs 4\n"
    out = remote("org", "set", "green", "--share", "2", "--limit", "memory=1073741824")[1]
    assert out == "organisation green: share 2, limits ranges 3, nodes 200, memory 1.0 GiB, runs 4\n"
    assert "green" in remote("org", "ls")[1]
    used = json.loads(remote("usage", "--org", "green", "--json")[1])
    assert (used["org"], used["quota"]["ranges"]) == ("green", 3)
    assert "0 of 3" in remote("usage", "--org", "green")[1]
    assert remote("org", "new", "Not An Id")[0] == BAD_INPUT
    assert remote("org", "new", "green")[0] == BAD_INPUT


def test_projects(remote: Program) -> None:
    assert remote("org", "new", "teal")[0] == PASS
    token = remote("token", "new", "teal", "--role", "admin", "--org", "teal")[1].strip()
    teal = Program(remote.folder, {**remote.environment, "JOINTRANGE_TOKEN": token})
    assert teal("project", "new", "web")[1] == "project web of teal is there\n"
    assert "web" in teal("project", "ls")[1]
    assert teal("project", "rm", "web")[1] == "project web is deleted\n"
    assert json.loads(teal("project", "ls", "--json")[1]) == []


def test_limits_of_the_command_line() -> None:
    assert limits("org set", ["ranges=3", "lease=1.5", "cpus=none"]) == {"ranges": 3, "lease": 1.5, "cpus": None}
    for word in ("ranges", "ranges=-1", "ranges=1.5", "colour=1", "lease=2h"):
        with pytest.raises(Invalid, match="is no limit"):
            limits("org set", [word])
