"""Evidence is frozen, isolation holds only when somebody looked, and steps are told from what was beside them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from range.ledger import Action, Alert, Endpoint, Isolation, Trial
from tests.builders import T0, a_trial, an_action, an_alert


@pytest.mark.parametrize(
    ("nodes", "breaches", "holds"),
    [
        (("web",), (), True),
        (("web",), ("web: a default route leads out",), False),
        ((), (), False),
        ((), ("nobody answered",), False),
    ],
)
def test_isolation_nobody_looked_at_does_not_hold(
    nodes: tuple[str, ...], breaches: tuple[str, ...], holds: bool
) -> None:
    assert Isolation(T0, nodes, ("no default route",), breaches).holds is holds


def test_the_steps_of_a_trial_are_its_attack_steps_in_order() -> None:
    actions = (
        an_action("one"), an_action("browse", kind="benign"), an_action("canary", kind="canary"), an_action("two"),
    )  # fmt: skip
    assert [step.id for step in a_trial(*actions).steps] == ["one", "two"]


@pytest.mark.parametrize("record", [an_action(), an_alert(), a_trial()], ids=["action", "alert", "trial"])
def test_evidence_cannot_be_changed(record: Action | Alert | Trial) -> None:
    for one in fields(record):
        with pytest.raises(FrozenInstanceError):
            setattr(record, one.name, None)


def test_what_a_tool_did_not_say_is_none_or_unknown() -> None:
    """A missing field must never look like a match, or like a block."""
    bare = Alert("suricata", "eve", "sensor", "1", "t", T0, T0, "{}")
    assert bare.src == bare.dst == Endpoint(None, None)
    assert (bare.disposition, bare.severity, bare.techniques, bare.proto) == ("unknown", "unknown", (), None)
    assert Action("a", "step", "s", "t", "1", "2", "n", "c", T0, T0, 0).effect == "unknown"
