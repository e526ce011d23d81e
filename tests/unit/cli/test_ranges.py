"""Commands on ranges: names."""

from __future__ import annotations

import pytest

from range.cli.ranges import named
from range.errors import Invalid


@pytest.mark.parametrize("name", ["", "a", "Team-1.blue_x"])
def test_names(name: str) -> None:
    assert named(name) == name


@pytest.mark.parametrize("name", ["a/b", "-x", "a b", "ä", "x" * 101, "../up"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(Invalid):
        named(name)
