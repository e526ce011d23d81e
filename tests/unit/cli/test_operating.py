"""Lines of events. The commands themselves are tried in test_remote.py."""

from __future__ import annotations

from range.cli.operating import _line
from tests.unit.client.answering import an_event


def test_an_event_is_one_line() -> None:
    line = _line(an_event(7, "range.node", node="one", status="ready", detail=""))
    assert str(line) == "7 00:00:01.0 range/r-1 range.node: node one, status ready"
