"""What an organisation uses, as it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.errors import NotFound
from range.rows import OrgRow, RangeRow, RunRow
from range.service.context import Principal
from range.service.usage import usage
from range.store.opening import open_store

BLUE = Principal(id="token:a", name="a", org="blue", role="viewer")
ROOT = Principal(id="token:root", name="root", org="", role="admin")


def test_use_and_quota_and_standing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    with store.writing() as rows:
        rows.add(OrgRow(id="blue", org="blue", created=1.0, name="blue", share=2.0, used=50.0, used_at=100.0))
        rows.add(OrgRow(id="red", org="red", created=1.0, name="red", share=2.0, used=50.0, used_at=100.0))
        rows.add(RangeRow(id="a", org="blue", created=1.0, name="a", topology="t", status="up", nodes=3, cpus=1.5))
        rows.add(RangeRow(id="b", org="blue", created=1.0, name="b", topology="t", nodes=2, memory=7))
        rows.add(RunRow(id="c", org="blue", created=1.0, name="c", campaign="t", status="running", nodes=4))
        rows.add(RangeRow(id="d", org="red", created=1.0, name="d", topology="t", status="up", nodes=9))
    with store.reading() as rows:
        view = usage(rows, BLUE, 100.0)
        assert (view.org, view.ranges, view.runs, view.queued) == ("blue", 2, 1, 1)
        assert (view.nodes, view.cpus, view.memory) == (9, 1.5, 7)
        assert (view.share, view.used, view.priority) == (2.0, 50.0, pytest.approx(0.5))
        assert view.quota.ranges == 20
        assert usage(rows, ROOT, 100.0).quota.ranges is None
        assert usage(rows, ROOT, 100.0, "red").nodes == 9
        for other in ("red", "green"):
            with pytest.raises(NotFound, match=f"no organisation {other}"):
                usage(rows, BLUE, 100.0, other)
        with pytest.raises(NotFound, match="no organisation green"):
            usage(rows, ROOT, 100.0, "green")
    store.close()
