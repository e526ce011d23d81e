"""Transports that are closed when their test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from range.client.transport import Transport

Reach = Callable[..., Transport]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """`Transport(...)`."""
    with ExitStack() as open_:
        yield lambda *words, **more: open_.enter_context(closing(Transport(*words, **more)))
