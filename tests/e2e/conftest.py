"""Shared by tests of the whole: a terminal with an instance of its own, empty before and after."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, said
from tests.e2e.traces import ours


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal. A test that leaves a container behind fails here, and the container goes."""
    made = Terminal(tmp_path, f"e2e-{uuid.uuid4().hex[:6]}")
    yield made
    made.close()
    left = ours(made.instance)
    if left:
        ended = made.run("sweep", "--all")
        pytest.fail(f"left behind: {left}\n{said(ended)}")
