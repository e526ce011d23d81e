"""One whole service for all who ask one: the real app over SQLite and a pretended engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from range.service.context import Limits
from tests.serving import Served, serving
from tests.unit.service.campaigning import working


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on a port of this machine. Tests leave nothing in it that another could stumble over."""
    with serving(tmp_path_factory.mktemp("served"), answer=working, limits=Limits(idle=0.05)) as service:
        yield service
