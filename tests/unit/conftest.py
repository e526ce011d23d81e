"""One whole service for all who ask one: the real app over SQLite and a pretended engine; and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from range.client import Client
from range.service.context import Limits
from tests.serving import Served, serving
from tests.unit.service.campaigning import working

Ask = Callable[..., Client]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on a port of this machine. Tests leave nothing in it that another could stumble over."""
    with serving(tmp_path_factory.mktemp("served"), answer=working, limits=Limits(idle=0.05)) as service:
        yield service


@pytest.fixture
def ask() -> Iterator[Ask]:
    """`Client(...)`, closed when its test is over."""
    with ExitStack() as open_:
        yield lambda *words, **more: open_.enter_context(Client(*words, **more))
