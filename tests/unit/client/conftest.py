"""Clients and transports that are closed when their test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from range.client import Client
from range.client.transport import Transport

Reach = Callable[..., Transport]
Ask = Callable[..., Client]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """`Transport(...)`."""
    with ExitStack() as open_:
        yield lambda *words, **more: open_.enter_context(closing(Transport(*words, **more)))


@pytest.fixture
def ask() -> Iterator[Ask]:
    """`Client(...)`."""
    with ExitStack() as open_:
        yield lambda *words, **more: open_.enter_context(Client(*words, **more))
