"""Pools of a real service, over a pretended engine."""

from __future__ import annotations

import pytest

from range.errors import Invalid, NotFound
from range.wire import PoolRequest
from tests.serving import Served
from tests.unit.conftest import Ask


def test_a_pool_is_made_changed_and_removed(served: Served, ask: Ask) -> None:
    pools = ask(served.address, served.admin).pools
    made = pools.create(PoolRequest(name="lessons", topology="pair", warm=0))
    assert pools.find("lessons").id == pools.find(made.id).id == made.id
    assert pools.change(made.id, 1).warm == 1
    assert "lessons" in [one.name for one in pools.all()]
    assert pools.destroy(made.id).status in ("stopping", "gone", "filling", "ready")
    with pytest.raises(Invalid):
        pools.change(made.id, 51)
    with pytest.raises(NotFound):
        pools.find("lesson")
