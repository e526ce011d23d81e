"""Commands on tokens, asked of a real service."""

from __future__ import annotations

import json
import uuid

from range.exits import BAD_INPUT, PASS
from tests.unit.cli.program import Program


def test_a_token_from_its_beginning_to_its_end(remote: Program) -> None:
    name = f"ci-{uuid.uuid4().hex[:6]}"
    code, out, error = remote("token", "new", name, "--role", "operator", "--lease", "1h")
    assert code == PASS
    secret = out.strip()
    assert secret.startswith("jr_")
    assert secret not in error
    assert "operator" in error
    mine = Program(remote.folder, {**remote.environment, "JOINTRANGE_TOKEN": secret})
    assert mine("ls")[0] == PASS
    [key] = [one["id"] for one in json.loads(remote("token", "ls", "--json")[1]) if one["name"] == name]
    assert secret not in remote("token", "ls")[1]
    assert remote("token", "revoke", key)[1] == f"token {key} is revoked\n"
    assert mine("ls")[0] == BAD_INPUT
    assert remote("token", "new", "x", "--lease", "soon")[0] == BAD_INPUT
