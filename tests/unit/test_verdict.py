"""What is decided about each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Action, Alert, Endpoint, Isolation, Malformed, Trial
from range.verdict import CONCLUSIVE, StepVerdict, control_of, dead_tools, judge
from tests.builders import T0, a_control, a_demo_result, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")
ABSENT = replace(STEP, effect="absent")
LEAK = Isolation(T0, ("web",), (), ("web has a default route",))


def one(trial: Trial, control: Trial | None = None) -> StepVerdict:
    (verdict,) = judge(trial, control or a_control(STEP))
    return verdict


def with_alerts(step: Action, *alerts: Alert, **changes: object) -> Trial:
    return a_trial(step, alerts=alerts, **changes)


def blocked(step: Action) -> Alert:
    return an_alert(step, tool="waf", disposition="blocked")


def test_control_says_whether_a_step_works() -> None:
    steps = (STEP, an_action("b", effect="absent"), an_action("c", effect="unknown"), an_action("d", skipped="no"))
    labels = [verdict.label for verdict in judge(a_control(*steps), None)]
    assert labels == ["effective", "not_effective", "inconclusive", "not_effective"]
    assert [v.label for v in judge(a_control(STEP, isolation=LEAK), None)] == ["inconclusive"]


def test_blocked_because_a_tool_says_so() -> None:
    found = one(with_alerts(ABSENT, an_alert(STEP), blocked(STEP)))
    assert (found.label, found.evidence, found.blockers) == ("blocked", "explicit", ("waf",))
    assert found.alerts == (0, 1)
    assert "waf said it was stopped" in found.why


def test_blocked_because_control_achieved_it() -> None:
    silent, seen = one(with_alerts(ABSENT)), one(with_alerts(ABSENT, an_alert(STEP)))
    assert (silent.label, silent.evidence, silent.after) == ("blocked", "differential", None)
    assert (seen.label, seen.evidence, seen.tools) == ("blocked", "differential", ("suricata",))


def test_detected_after_the_first_alert_seen() -> None:
    late = an_alert(STEP, tool="b", seen=T0 + 2.5)
    found = one(with_alerts(STEP, late, an_alert(STEP, tool="a", seen=T0 + 1.25)))
    assert (found.label, found.after, found.delayed) == ("detected", 1.25, False)
    assert (found.tools, found.alerts) == (("a", "b"), (1, 0))


def test_detected_late_is_still_detected() -> None:
    found = one(with_alerts(STEP, an_alert(STEP, seen=STEP.end + STEP.window + 0.1)))
    assert (found.label, found.delayed) == ("detected", True)


def test_a_block_that_did_not_stop_it_is_a_detection_with_a_note() -> None:
    found = one(with_alerts(STEP, blocked(STEP)))
    assert found.label == "detected"
    assert any("waf said it was stopped, but its effect was achieved" in note for note in found.notes)


def test_missed_when_the_tools_were_alive() -> None:
    found = one(with_alerts(STEP))
    assert (found.label, found.alerts, found.after) == ("missed", (), None)


def test_without_control_nothing_is_decided() -> None:
    for step, alerts in ((STEP, ()), (STEP, (an_alert(STEP),)), (ABSENT, (blocked(STEP),))):
        (found,) = judge(with_alerts(step, *alerts), None)
        assert (found.label, found.reason) == ("inconclusive", "no_control")


@pytest.mark.parametrize(
    "control",
    [
        a_control(ABSENT), a_control(replace(STEP, effect="unknown")), a_control(replace(STEP, skipped="no")),
        a_control(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("trial", [with_alerts(STEP), with_alerts(STEP, an_alert(STEP)), with_alerts(ABSENT)])
def test_a_step_that_control_does_not_prove_is_inconclusive(trial: Trial, control: Trial) -> None:
    found = one(trial, control)
    assert (found.label, found.reason) == ("inconclusive", "control_failed")


@pytest.mark.parametrize(
    ("trial", "control"),
    [
        (with_alerts(STEP, an_alert(STEP), isolation=LEAK), a_control(STEP)),
        (with_alerts(STEP, an_alert(STEP)), a_control(STEP, isolation=LEAK)),
        (with_alerts(STEP, isolation=replace(LEAK, nodes=(), breaches=())), a_control(STEP)),
    ],
)
def test_a_range_that_was_not_sealed_is_no_evidence(trial: Trial, control: Trial) -> None:
    assert one(trial, control).reason == "isolation_failed"


def test_an_effect_nobody_knows_is_inconclusive() -> None:
    found = one(with_alerts(replace(STEP, effect="unknown"), an_alert(STEP)))
    assert (found.label, found.reason) == ("inconclusive", "effect_unknown")


@pytest.mark.parametrize(
    "results",
    [
        canaries("suricata", after=False),
        canaries("suricata")[:1],
        canaries("suricata")[1:],
        (*canaries("suricata"), *canaries("waf", after=False)),
        (*canaries("suricata"), replace(canaries("suricata")[0], seen=None)),
    ],
)
def test_a_dead_sensor_makes_silence_mean_nothing(results: Sequence[object]) -> None:
    trial = with_alerts(STEP, canaries=results)
    found = one(trial)
    assert (found.label, found.reason, found.detail) == ("inconclusive", "sensor_dead", dead_tools(trial)[0])
    assert one(replace(trial, alerts=(an_alert(STEP),))).label == "detected"
    assert one(with_alerts(ABSENT, blocked(STEP), canaries=results)).label == "blocked"


def test_tools_without_any_canary_prove_nothing_by_silence() -> None:
    assert one(with_alerts(STEP, canaries=())).reason == "sensor_unproven"
    assert one(with_alerts(STEP, canaries=(), tools=())).label == "missed"


def test_a_broken_trial_leaves_only_what_a_tool_said() -> None:
    assert one(with_alerts(STEP, fault="web died")).reason == "trial_broken"
    assert one(with_alerts(ABSENT, fault="web died")).reason == "trial_broken"
    assert one(with_alerts(STEP, an_alert(STEP), fault="web died")).label == "detected"
    assert one(with_alerts(ABSENT, blocked(STEP), fault="web died")).label == "blocked"


def test_a_line_with_the_nonce_that_nobody_could_read_is_not_a_miss() -> None:
    lost = Malformed("suricata", "eve", "sensor", T0, f'{{"url": "{STEP.nonce}', "not JSON")
    assert one(with_alerts(STEP, malformed=(lost,))).reason == "unreadable_alerts"
    assert one(with_alerts(STEP, malformed=(replace(lost, line="{"),))).label == "missed"


def test_an_ambiguous_alert_is_credited_to_nobody_and_noted() -> None:
    twin = an_action("twin")
    control = a_control(STEP, twin)
    verdicts = judge(a_trial(STEP, twin, alerts=(an_alert(STEP),)), control)
    assert [verdict.label for verdict in verdicts] == ["missed", "missed"]
    assert all("not credited" in verdict.notes[0] for verdict in verdicts)


def test_what_builds_on_a_stopped_step_is_not_applicable() -> None:
    chain = (
        an_action("guess"), an_action("login", requires=("guess",), start=T0 + 20, end=T0 + 21),
        an_action("secret", requires=("login",), start=T0 + 40, end=T0 + 41),
    )  # fmt: skip
    here = (
        replace(chain[0], effect="absent"),
        replace(chain[1], effect="unknown", skipped="guess had no effect"),
        replace(chain[2], effect="absent"),
    )
    verdicts = judge(a_trial(*here), a_control(*chain))
    assert [v.label for v in verdicts] == ["blocked", "not_applicable", "not_applicable"]
    assert {v.detail for v in verdicts[1:]} == {"after_block:guess"}
    open_door = judge(a_trial(here[0], replace(chain[1]), chain[2]), a_control(*chain))
    assert [v.label for v in open_door] == ["blocked", "missed", "missed"]


def test_a_chain_that_failed_in_control_too_is_inconclusive() -> None:
    chain = (an_action("guess", effect="absent"), an_action("login", requires=("guess",), effect="absent"))
    verdicts = judge(a_trial(*chain), a_control(*chain))
    assert [v.reason for v in verdicts] == ["control_failed", "control_failed"]


def test_steps_that_need_each_other_do_not_hang() -> None:
    ring = (an_action("a", requires=("b",), effect="absent"), an_action("b", requires=("a",), effect="absent"))
    worked = tuple(replace(step, effect="achieved") for step in ring)
    assert len(judge(a_trial(*ring), a_control(*worked))) == 2


def test_a_step_that_never_began_is_inconclusive_and_listed() -> None:
    verdicts = judge(a_trial(fault="the engine went away"), a_control(STEP, an_action("other")))
    assert [(v.step, v.reason) for v in verdicts] == [("sqli", "step_not_run"), ("other", "step_not_run")]
    assert "the engine went away" in verdicts[0].why


def test_a_failed_clean_up_is_noted() -> None:
    assert "its clean-up failed: rm" in one(with_alerts(replace(STEP, cleanup_failed="rm"))).notes


def test_the_control_trial_of_the_same_number_is_preferred() -> None:
    first, second = a_control(STEP, id="c1"), a_control(STEP, id="c2", number=2)
    trial = a_trial(STEP, number=2)
    assert control_of(trial, [first, trial, second]) is second
    assert control_of(replace(trial, number=3), [second, first]) is first
    assert control_of(trial, [trial]) is None


# Properties, over trials of a few steps with any effects and any alerts about them.

STEPS = tuple(
    an_action(name, start=T0 + 20 * place, end=T0 + 20 * place + 1, technique=technique)
    for place, (name, technique) in enumerate((("a", "T1190"), ("b", "T1110.001"), ("c", "T1046")))
)
EFFECTS = st.sampled_from(("achieved", "absent", "unknown"))


@st.composite
def alerts_about(draw: st.DrawFn) -> Alert:
    step = draw(st.sampled_from(STEPS))
    return an_alert(
        step,
        tool=draw(st.sampled_from(("suricata", "waf"))),
        time=step.start + draw(st.sampled_from((-5.0, 0.0, 0.5, 6.0, 18.0))),
        seen=step.start + draw(st.sampled_from((0.5, 7.0, 15.0))),
        techniques=draw(st.sampled_from(((), (step.technique or "",), ("T1005",)))),
        disposition=draw(st.sampled_from(("blocked", "allowed", "unknown"))),
        text=draw(st.sampled_from(("", step.nonce, "jrb"))),
        src=draw(st.sampled_from((Endpoint(step.source_address), Endpoint("192.0.2.99")))),
    )


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    steps = [replace(step, effect=draw(EFFECTS)) for step in STEPS]
    alive = draw(st.booleans())
    return a_trial(
        *steps, alerts=tuple(draw(st.lists(alerts_about(), max_size=6))), canaries=canaries("suricata", after=alive)
    )


CONTROLS = st.lists(EFFECTS, min_size=3, max_size=3).map(
    lambda effects: a_control(*(replace(step, effect=effect) for step, effect in zip(STEPS, effects, strict=True)))
)


def essence(verdicts: Sequence[StepVerdict]) -> list[tuple[object, ...]]:
    return [(v.step, v.label, v.reason, v.evidence, v.after, v.delayed, v.tools, v.why) for v in verdicts]


@given(trials(), CONTROLS, st.randoms())
def test_the_order_of_alerts_changes_no_verdict(trial: Trial, control: Trial, random: object) -> None:
    alerts = list(trial.alerts)
    random.shuffle(alerts)  # type: ignore[attr-defined]
    assert essence(judge(replace(trial, alerts=tuple(alerts)), control)) == essence(judge(trial, control))


@given(trials(), CONTROLS)
def test_alerts_twice_change_no_label(trial: Trial, control: Trial) -> None:
    twice = judge(replace(trial, alerts=trial.alerts * 2), control)
    assert [(v.label, v.reason, v.after) for v in twice] == [
        (v.label, v.reason, v.after) for v in judge(trial, control)
    ]


@given(trials(), CONTROLS, st.sampled_from(("192.0.2.98", None)), st.sampled_from(STEPS))
def test_an_unrelated_alert_changes_no_verdict(trial: Trial, control: Trial, source: str | None, step: Action) -> None:
    stray = an_alert(step, src=Endpoint(source), disposition="blocked")
    more = judge(replace(trial, alerts=(*trial.alerts, stray)), control)
    assert essence(more) == essence(judge(trial, control))


@given(trials())
def test_without_control_no_verdict_is_conclusive(trial: Trial) -> None:
    assert not any(verdict.label in CONCLUSIVE for verdict in judge(trial, None))


@given(trials(), CONTROLS)
def test_silence_of_a_dead_sensor_is_never_a_miss(trial: Trial, control: Trial) -> None:
    labels = {verdict.label for verdict in judge(replace(trial, canaries=canaries("suricata", after=False)), control)}
    assert "missed" not in labels


@given(trials(), CONTROLS)
def test_every_verdict_has_a_reason_in_words(trial: Trial, control: Trial) -> None:
    for verdict in judge(trial, control):
        assert verdict.why.endswith(".")
        assert (verdict.reason is not None) == (verdict.label == "inconclusive")
        assert (verdict.evidence is not None) == (verdict.label == "blocked")


def test_the_demonstration_has_every_label() -> None:
    labels = {verdict.label for one in a_demo_result().judged for verdict in one.verdicts}
    assert labels == {
        "effective", "not_effective", "blocked", "detected", "missed", "not_applicable", "inconclusive",
    }  # fmt: skip
