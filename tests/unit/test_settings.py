"""Settings: defaults, every variable, and all faults at once."""

from __future__ import annotations

import pytest

from range.errors import Invalid
from range.settings import Settings, from_environment


def test_nothing_told_is_the_defaults() -> None:
    assert from_environment({"PATH": "/bin", "JOINTRANGE_EXEC": "a mark of ours"}) == Settings()


def test_every_setting_is_one_variable() -> None:
    told = from_environment(
        {"JOINTRANGE_INSTANCE": "ci", "JOINTRANGE_WORKERS": "3", "JOINTRANGE_JOBS": "1", "JOINTRANGE_CACHE": "/c",
         "JOINTRANGE_RESULTS": "out", "JOINTRANGE_DOCKER_HOST": "tcp://there:1"}
    )  # fmt: skip
    assert told == Settings("tcp://there:1", "ci", "out", "/c", 3, 1)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        from_environment({"JOINTRANGE_WORKERS": "many", "JOINTRANGE_COLOUR": "red"})
    assert len(caught.value.problems) == 2
    assert "JOINTRANGE_COLOUR" in str(caught.value)
    assert "known:" in str(caught.value)
    assert "no whole number" in str(caught.value)


def test_home_is_expanded() -> None:
    assert "~" not in str(Settings().cache_folder)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("JOBS", "0", "no trial would ever run"),
        ("WORKERS", "\u00b2", "no whole number"),
        ("WORKERS", "-1", "no whole number"),
        ("INSTANCE", "two words", "container's name"),
        ("INSTANCE", "", "container's name"),
        ("INSTANCE", "../x", "container's name"),
    ],
)
def test_values_that_could_never_work_are_faults(name: str, text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        from_environment({f"JOINTRANGE_{name}": text})
