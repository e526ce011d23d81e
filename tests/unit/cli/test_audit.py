"""Commands on the audit log, asked of a real service."""

from __future__ import annotations

import json

from range.exits import PASS
from tests.unit.cli.program import Program


def test_the_log_is_listed_and_checked(remote: Program) -> None:
    assert remote("token", "new", "noted")[0] == PASS
    entries = json.loads(remote("audit", "ls", "--last", "2", "--json")[1])
    assert entries[-1]["action"].startswith("tokens.")
    assert "tokens." in remote("audit", "ls")[1]
    code, out, _ = remote("audit", "verify")
    assert code == PASS
    assert out.startswith("the audit log holds: ")
    assert json.loads(remote("audit", "verify", "--json")[1])["holds"] is True
