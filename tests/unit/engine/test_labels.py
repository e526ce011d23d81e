"""Labels: what they say comes back, and names are always the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from range.engine import labels
from range.plan import Ownership

WORDS = st.text("abcdefghij-", min_size=1, max_size=12)


@given(WORDS, WORDS, WORDS, st.booleans(), st.floats(0, 4e9))
def test_ownership_survives_its_labels(instance: str, owner: str, topology: str, kept: bool, created: float) -> None:
    given_ = Ownership(instance, owner, topology, kept, created)
    made = labels.of("r", given_, "node", "web", "abc")
    assert all(isinstance(value, str) for value in made.values())
    back = labels.ownership(made)
    assert (back.instance, back.owner, back.topology, back.kept) == (instance, owner, topology, kept)
    assert abs(back.created - created) < 0.001


def test_an_object_without_labels_belongs_to_nobody() -> None:
    assert labels.ownership({}) == Ownership("", "", "", kept=False, created=0)


def test_names_are_the_same_each_time_and_differ_between_installations() -> None:
    assert labels.container_name("default", "r", "web") == "jr.r.web"
    assert labels.container_name("ci", "r", "web") == "jr-ci.r.web"
