"""What is said of a wrong word on the command line."""

from __future__ import annotations

import pytest

from range.cli.options import bad, duration
from range.errors import Invalid


def test_durations_of_the_command_line() -> None:
    assert duration("--benign-window", None) is None
    assert duration("--benign-window", "1.5h") == "1.5h"
    with pytest.raises(Invalid, match=r"--benign-window: `60` is not a duration"):
        duration("--benign-window", "60")


def test_a_wrong_command_line_is_bad_input() -> None:
    assert "jointrange forward" in str(bad("forward", "x"))
