"""The program as somebody calls it who asks a service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving import Served
from tests.unit.cli.program import Program


@pytest.fixture
def remote(served: Served, tmp_path: Path) -> Program:
    """`jointrange` with JOINTRANGE_SERVER and a token that may do everything."""
    return Program(tmp_path, {"JOINTRANGE_SERVER": served.address, "JOINTRANGE_TOKEN": served.admin})
