"""Every trial of a run has a folder of its own."""

from __future__ import annotations

from range.bundle.names import trial_folder


def test_no_two_trials_share_a_folder() -> None:
    made = [trial_folder(arm, number, purpose) for arm in "ab" for number in (1, 2) for purpose in ("main", "rerun")]  # type: ignore[arg-type]
    assert made[0] == "trials/a-1"
    assert len(set(made)) == len(made)
