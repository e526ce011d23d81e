"""How often the matcher would be wrong."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from range.judging.attribution import TagRule, attribute
from range.judging.placebo import placebo
from range.ledger import Alert, Endpoint, Phase, Trial
from tests.builders import ATTACKER, T0, WEB, a_trial, an_action, an_alert

A, B = an_action("a"), an_action("b", start=T0 + 20, end=T0 + 21, technique="T1110.001")
WINDOW = (Phase("benign", T0 - 620, T0 - 20),)
EVERYWHERE = tuple(an_alert(A, time=T0 - 620 + n * 5, techniques=()) for n in range(120))


def tried(trial: Trial, seed: int = 1, rule: TagRule = "general") -> tuple[int, int] | None:
    found = attribute(trial.actions, trial.alerts, tag_mismatch=rule)
    return placebo(trial, found, seed, tag_mismatch=rule)


def noisy(*alerts: Alert, **changes: object) -> Trial:
    return a_trial(A, B, **{"alerts": alerts, "phases": WINDOW, "started": T0 - 700, **changes})


def test_alerts_between_the_same_two_all_the_time_hit_every_window() -> None:
    assert tried(noisy(*EVERYWHERE)) == (2, 2)
    assert tried(noisy()) == (0, 2)


def test_other_pairs_other_times_and_explained_alerts_hit_none() -> None:
    elsewhere = (replace(alert, src=Endpoint("192.0.2.99")) for alert in EVERYWHERE)
    after = (replace(alert, time=alert.time + 620) for alert in EVERYWHERE)
    visit = an_action("visit", kind="benign", technique=None, start=T0 - 600, end=T0 - 599, nonce="jrvisit")
    explained = (replace(alert, text="jrvisit") for alert in EVERYWHERE)
    for alerts in (elsewhere, after, explained):
        trial = noisy(*alerts)
        assert tried(replace(trial, actions=(*trial.actions, visit))) == (0, 2)


def test_benign_actions_between_the_same_two_make_it_ambiguous_so_no_hit() -> None:
    visits = [
        an_action(f"v{n}", kind="benign", technique=None, start=T0 - 620 + 5 * n, end=T0 - 615 + 5 * n, nonce="")
        for n in range(120)
    ]
    trial = noisy(*EVERYWHERE)
    assert tried(replace(trial, actions=(*trial.actions, *visits))) == (0, 2)


def test_techniques_count_as_they_do_for_steps() -> None:
    tagged = tuple(replace(alert, techniques=("T1190",)) for alert in EVERYWHERE)
    assert tried(noisy(*tagged), rule="reject") == (1, 2)
    assert tried(noisy(*tagged), rule="general") == (2, 2)


def test_a_tool_on_one_end_that_names_the_other_can_hit_too() -> None:
    on_node = tuple(replace(alert, node="web", src=Endpoint(ATTACKER), dst=Endpoint()) for alert in EVERYWHERE)
    assert tried(noisy(*on_node)) == (2, 2)
    assert tried(noisy(*(replace(alert, node="sensor") for alert in on_node))) == (0, 2)
    assert tried(noisy(*(replace(alert, src=Endpoint(WEB)) for alert in on_node))) == (0, 2)


def test_without_room_there_is_no_placebo() -> None:
    assert tried(noisy(phases=())) is None
    assert tried(noisy(phases=(Phase("benign", T0 - 30, T0 - 19),))) is None
    assert tried(noisy(phases=(Phase("benign", T0 - 31.5, T0 - 20),))) == (0, 2)
    long = replace(B, window=700.0)
    assert tried(a_trial(A, long, phases=WINDOW, started=T0 - 700)) == (0, 1)


@given(st.integers(0, 1000), st.permutations(EVERYWHERE[::7]))
def test_only_the_seed_decides(seed: int, alerts: list[Alert]) -> None:
    assert tried(noisy(*alerts), seed) == tried(noisy(*EVERYWHERE[::7]), seed)
