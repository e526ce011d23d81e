"""Commands on pools, asked of a real service."""

from __future__ import annotations

import json

from range.exits import BAD_INPUT, PASS
from tests.unit.cli.program import Program


def test_a_pool_from_its_beginning_to_its_end(remote: Program) -> None:
    code, out, error = remote("pool", "new", "desk", "pair", "--warm", "0")
    assert code == PASS, error
    assert out.startswith("pool desk is ")
    assert "1" in remote("pool", "set", "desk", "--warm", "1")[1]
    assert "desk" in remote("pool", "ls")[1]
    assert "desk" in [one["name"] for one in json.loads(remote("pool", "ls", "--json")[1])]
    assert remote("pool", "rm", "desk")[0] == PASS
    assert remote("pool", "new", "x", "nowhere")[0] == BAD_INPUT
    assert remote("pool", "set", "nowhere", "--warm", "1")[0] == BAD_INPUT
