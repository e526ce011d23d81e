"""What is decided about each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.campaign import Gates, Rules
from range.judging.attribution import attribute
from range.judging.controls import control_of
from range.judging.verdict import CONCLUSIVE, NEGATIVE, Bench, Repeat, StepVerdict, judge, quality, repeats
from range.judging.witness import dead_tools
from range.ledger import Action, Alert, Capture, Effect, Endpoint, Isolation, Malformed, SensorHealth, Trial
from tests.builders import A_NULL_STEP, T0, a_control, a_demo_result, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")
ABSENT = replace(STEP, effect="absent")
LEAK = Isolation(T0, ("web",), (), ("web has a default route",))


def against(*controls: Trial, **changes: Any) -> Bench:
    return Bench(controls, **changes)


NOBODY = against()


def one(trial: Trial, control: Trial | None = None) -> StepVerdict:
    (verdict,) = judge(trial, against(control or a_control(STEP)))
    return verdict


def with_alerts(step: Action, *alerts: Alert, **changes: object) -> Trial:
    return a_trial(step, alerts=alerts, **changes)


def blocked(step: Action) -> Alert:
    return an_alert(step, tool="waf", disposition="blocked")


def test_control_says_whether_a_step_works() -> None:
    steps = (STEP, an_action("b", effect="absent"), an_action("c", effect="unknown"), an_action("d", skipped="no"))
    labels = [verdict.label for verdict in judge(a_control(*steps), NOBODY)]
    assert labels == ["effective", "not_effective", "inconclusive", "not_effective"]
    assert [v.label for v in judge(a_control(STEP, isolation=LEAK), NOBODY)] == ["inconclusive"]


def test_blocked_because_a_tool_says_so() -> None:
    found = one(with_alerts(ABSENT, an_alert(STEP), blocked(STEP)))
    assert (found.label, found.evidence, found.blockers) == ("blocked", "explicit", ("waf",))
    assert found.alerts == (0, 1)
    assert "waf said it was stopped" in found.why


def test_blocked_because_control_achieved_it() -> None:
    quiet = an_alert(STEP, disposition="unknown")
    silent, seen = one(with_alerts(ABSENT)), one(with_alerts(ABSENT, quiet))
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
        (found,) = judge(with_alerts(step, *alerts), NOBODY)
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
    verdicts = judge(a_trial(STEP, twin, alerts=(an_alert(STEP),)), against(control))
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
    verdicts = judge(a_trial(*here), against(a_control(*chain)))
    assert [v.label for v in verdicts] == ["blocked", "not_applicable", "not_applicable"]
    assert {v.detail for v in verdicts[1:]} == {"after_block:guess"}
    open_door = judge(a_trial(here[0], replace(chain[1]), chain[2]), against(a_control(*chain)))
    assert [v.label for v in open_door] == ["blocked", "missed", "missed"]


def test_a_chain_that_failed_in_control_too_is_inconclusive() -> None:
    chain = (an_action("guess", effect="absent"), an_action("login", requires=("guess",), effect="absent"))
    verdicts = judge(a_trial(*chain), against(a_control(*chain)))
    assert [v.reason for v in verdicts] == ["control_failed", "control_failed"]


def test_steps_that_need_each_other_do_not_hang() -> None:
    ring = (an_action("a", requires=("b",), effect="absent"), an_action("b", requires=("a",), effect="absent"))
    worked = tuple(replace(step, effect="achieved") for step in ring)
    assert len(judge(a_trial(*ring), against(a_control(*worked)))) == 2


def test_a_step_that_never_began_is_inconclusive_and_listed() -> None:
    verdicts = judge(a_trial(fault="the engine went away"), against(a_control(STEP, an_action("other"))))
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


def test_nobody_says_blocked_and_one_says_allowed() -> None:
    trial = with_alerts(ABSENT, an_alert(STEP, disposition="allowed"))
    alone = one(trial)
    assert (alone.label, alone.reason) == ("inconclusive", "no_block_evidence")
    assert "suricata said it was allowed" in alone.why
    again = Repeat("absent", allowed=True, broken=False)
    (found,) = judge(trial, against(a_control(STEP), repeats={"sqli": (again, again)}))
    assert (found.label, found.evidence) == ("blocked", "differential")


@pytest.mark.parametrize("effect", ["achieved", "unknown"])
def test_a_step_that_worked_in_a_repeat_is_not_blocked_by_silence(effect: Effect) -> None:
    told = {"sqli": (Repeat("absent", False, False), Repeat(effect, False, False))}
    (found,) = judge(with_alerts(ABSENT), against(a_control(STEP), repeats=told))
    assert (found.label, found.reason) == ("inconclusive", "no_block_evidence")
    (said,) = judge(with_alerts(ABSENT, blocked(STEP)), against(a_control(STEP), repeats=told))
    assert (said.label, said.evidence) == ("blocked", "explicit")
    broken = {"sqli": (told["sqli"][0], Repeat(effect, False, broken=True))}
    (rest,) = judge(with_alerts(ABSENT), against(a_control(STEP), repeats=broken))
    assert rest.label == "blocked"


def test_repeats_are_of_steps_that_were_begun_in_sealed_ranges() -> None:
    trials = (
        with_alerts(ABSENT, an_alert(STEP)), with_alerts(replace(STEP, skipped="no")),
        with_alerts(STEP, isolation=LEAK),
        with_alerts(STEP, fault="web died"),
    )  # fmt: skip
    found = repeats([(trial, attribute(trial.actions, trial.alerts)) for trial in trials])
    assert found == {"sqli": (Repeat("absent", True, False), Repeat("achieved", False, True))}


def controls(good: int, bad: int) -> list[Trial]:
    steps = [STEP] * good + [ABSENT] * bad
    return [a_control(step, id=f"c{number}", number=number) for number, step in enumerate(steps, 1)]


@pytest.mark.parametrize(("good", "bad", "proven"), [(4, 0, True), (3, 1, False), (4, 1, True), (3, 2, False)])
def test_of_few_control_trials_all_must_work_and_of_many_most(good: int, bad: int, proven: bool) -> None:
    (found,) = judge(with_alerts(STEP, an_alert(STEP)), against(*controls(good, bad)))
    assert found.label == ("detected" if proven else "inconclusive")
    assert found.reason == (None if proven else "control_failed")


def test_a_step_that_failed_in_one_of_many_controls_is_never_blocked_by_silence() -> None:
    bench = against(*controls(9, 1))
    (silent,) = judge(with_alerts(ABSENT), bench)
    assert (silent.label, silent.reason) == ("inconclusive", "no_block_evidence")
    (said,) = judge(with_alerts(ABSENT, blocked(STEP)), bench)
    assert said.label == "blocked"


def test_one_leaking_control_is_left_out_of_many() -> None:
    leaking = a_control(ABSENT, id="c2", number=2, isolation=LEAK)
    (found,) = judge(with_alerts(STEP, an_alert(STEP)), against(a_control(STEP), leaking))
    assert found.label == "detected"


def telemetry(step: Action, **changes: Any) -> Alert:
    return an_alert(step, **{"tool": "zeek", "rule": "conn", "telemetry": True, "techniques": (), **changes})


def test_records_alone_are_telemetry_unless_a_tool_was_deaf() -> None:
    found = one(with_alerts(STEP, telemetry(STEP)))
    assert (found.label, found.quality, found.tools) == ("telemetry", "telemetry", ("zeek",))
    assert one(with_alerts(STEP, telemetry(STEP), canaries=canaries("suricata", after=False))).reason == "sensor_dead"
    both = one(with_alerts(STEP, telemetry(STEP, seen=T0 + 0.1), an_alert(STEP, seen=T0 + 3)))
    assert (both.label, both.quality, both.after, both.alerts) == ("detected", "technique", 3.0, (0, 1))
    claim = telemetry(STEP, disposition="blocked")
    assert one(with_alerts(ABSENT, claim)).evidence == "differential"


@pytest.mark.parametrize(
    ("techniques", "expected"),
    [((), "general"), (("T1046",), "general"), (("T1190",), "technique"), (("T1046", "T1190"), "technique")],
)
def test_quality_of_an_alert(techniques: tuple[str, ...], expected: str) -> None:
    assert one(with_alerts(STEP, an_alert(STEP, techniques=techniques, text=STEP.nonce))).quality == expected


def test_quality_knows_families_and_revoked_ids_and_keeps_the_best() -> None:
    step = replace(STEP, technique="T1505.003")
    said = [an_alert(step, techniques=names) for names in (("T1505",), ("T1100",), ())]
    assert [quality([alert], step) for alert in said] == ["tactic", "technique", "general"]
    assert quality(said, step) == "technique"
    assert quality((), step) == "none"
    assert quality(said, replace(step, technique=None)) == "general"
    assert one(with_alerts(ABSENT, blocked(STEP))).quality == "technique"


def test_duplicates_are_counted_once() -> None:
    said = an_alert(STEP)
    turned = replace(said, src=said.dst, dst=said.src)
    found = one(with_alerts(STEP, said, turned, replace(said, rule="7"), replace(said, tool="waf")))
    assert (len(found.alerts), found.duplicates) == (4, 1)


def test_alerts_after_the_freeze_are_counted_for_nobody() -> None:
    late_one = an_alert(STEP, seen=T0 + 60)
    assert one(with_alerts(STEP, late_one, frozen=T0 + 59)).label == "missed"
    assert one(with_alerts(STEP, late_one, frozen=T0 + 60)).label == "detected"
    twin = an_action("twin")
    verdicts = judge(a_trial(STEP, twin, alerts=(late_one,), frozen=T0 + 59), against(a_control(STEP, twin)))
    assert [verdict.notes for verdict in verdicts] == [(), ()]


def test_what_the_capture_does_not_show_is_inconclusive() -> None:
    unseen = replace(STEP, captured=False)
    found = one(with_alerts(unseen, an_alert(STEP)))
    assert (found.label, found.reason) == ("inconclusive", "not_captured")
    assert one(with_alerts(STEP, an_alert(STEP)), a_control(unseen)).reason == "not_captured"
    gaps = (Capture("lan", "lan.pcap.gz", 10, 100, complete=False, detail="killed"),)
    assert one(with_alerts(unseen, an_alert(STEP), captures=gaps)).reason == "capture_broken"
    assert one(with_alerts(replace(STEP, captured=True), an_alert(STEP), captures=gaps)).label == "detected"
    (control,) = judge(a_control(unseen), NOBODY)
    assert (control.label, control.reason) == ("inconclusive", "not_captured")


def test_silence_of_a_tool_that_was_not_well_means_nothing() -> None:
    ill = (SensorHealth("suricata", "sensor", running=True, restarted=False, packets=990, drops=10),)
    found = one(with_alerts(STEP, health=ill))
    assert (found.label, found.reason) == ("inconclusive", "sensor_degraded")
    assert "suricata on sensor: it lost 10 of 1000 packets" in found.detail
    assert one(with_alerts(STEP, an_alert(STEP), health=ill)).label == "detected"
    lenient = against(a_control(STEP), rules=Rules(Gates(drops_max=0.02)))
    assert judge(with_alerts(STEP, health=ill), lenient)[0].label == "missed"


def test_rules_that_alert_about_nothing_detect_nothing() -> None:
    null = replace(A_NULL_STEP, start=T0 + 40, end=T0 + 41)
    noise = an_alert(null, text=null.nonce, rule="any", techniques=())
    about = an_alert(STEP, rule="any", techniques=())
    trial = replace(a_trial(), actions=(STEP, null), alerts=(noise, about))
    found = one(trial)
    assert (found.label, found.reason) == ("inconclusive", "harness_detected")
    assert one(replace(trial, alerts=(noise, about, an_alert(STEP)))).label == "detected"


def test_a_replayed_step_is_never_blocked_and_has_no_time() -> None:
    played = replace(STEP, tier="replay")
    control = a_control(played)
    found = one(with_alerts(played, blocked(played)), control)
    assert (found.label, found.after, found.delayed, found.notes) == ("detected", None, False, ())
    assert found.why == "It was played, and waf raised 1 alert about it."
    assert one(with_alerts(played), control).label == "missed"
    assert one(with_alerts(played, telemetry(played)), control).label == "telemetry"
    broken = one(with_alerts(replace(played, effect="absent"), blocked(played)), control)
    assert (broken.label, broken.reason) == ("inconclusive", "effect_unknown")


def test_what_a_step_expects_of_rules() -> None:
    wants = replace(STEP, expected=("942100", "9000001"), forbidden=("920350",))
    found = one(with_alerts(wants, an_alert(STEP), an_alert(STEP, rule="920350")))
    assert found.unmet == ("rule 942100 did not alert", "rule 920350 alerted, and must not")
    assert one(with_alerts(wants)).unmet == ("rule 942100 did not alert", "rule 9000001 did not alert")
    assert one(with_alerts(wants, canaries=canaries("suricata", after=False))).unmet == ()
    assert one(with_alerts(replace(wants, expected=()), an_alert(STEP))).unmet == ()
    several = with_alerts(wants, an_alert(STEP, rule="9000001", also=("942100", "949110")))
    assert one(several).unmet == ()


QUIET = replace(STEP, forbidden=("942100",))


def test_a_negative_test_is_no_attack() -> None:
    control = a_control(QUIET)
    silent = one(with_alerts(QUIET), control)
    assert (silent.label, silent.detail, silent.unmet) == ("not_applicable", NEGATIVE, ())
    assert silent.why.startswith("It is no attack: it asks for the silence of rule 942100, and there was silence.")
    other = one(with_alerts(QUIET, an_alert(STEP, rule="1")), control)
    assert (other.label, other.detail, other.unmet) == ("not_applicable", NEGATIVE, ())
    for trial in (
        with_alerts(QUIET, an_alert(STEP, rule="942100")),
        with_alerts(replace(QUIET, effect="absent"), an_alert(STEP, rule="942100", disposition="blocked")),
        with_alerts(QUIET, an_alert(STEP, rule="942100"), canaries=canaries("suricata", after=False)),
    ):
        found = one(trial, control)
        assert (found.label, found.detail) == ("not_applicable", NEGATIVE)
        assert found.unmet == ("rule 942100 alerted, and must not",)
        assert "But rule 942100 alerted" in found.why


def test_the_silence_that_a_negative_test_asks_for_must_mean_something() -> None:
    """Also when another tool alerted, or stopped it: the rule that must be silent may be that of a dead tool."""
    control, dead = a_control(QUIET), {"canaries": canaries("suricata", after=False)}
    for alerts in ((), (an_alert(STEP, tool="waf", rule="1"),)):
        found = one(with_alerts(QUIET, *alerts, **dead), control)
        assert (found.label, found.reason, found.unmet) == ("inconclusive", "sensor_dead", ())
    stopped = one(with_alerts(replace(QUIET, effect="absent"), **dead), control)
    assert (stopped.label, stopped.reason) == ("inconclusive", "sensor_dead")
    assert one(with_alerts(QUIET), a_control(replace(QUIET, effect="absent"))).reason == "control_failed"


def test_a_step_that_also_expects_a_rule_is_no_negative_test() -> None:
    both = replace(QUIET, expected=("9000001",))
    assert one(with_alerts(both), a_control(both)).label == "missed"


def test_a_rerun_is_judged_for_its_own_steps_only() -> None:
    other = an_action("other", start=T0 + 20, end=T0 + 21)
    rerun = a_trial(STEP, other, purpose="rerun", only=("other",))
    assert [verdict.step for verdict in judge(rerun, against(a_control(STEP, other)))] == ["other"]


def test_the_worked_run() -> None:
    """Six steps with every kind of outcome: docs/judging.md has them as a table."""
    att, web, db, user = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"

    def step(name: str, technique: str, start: float, source: str, target: str, **changes: Any) -> Action:
        return an_action(
            name, technique=technique, start=start, end=start + 2, source=source, target=target,
            source_address=source, target_address=target, window=30.0, **changes,
        )  # fmt: skip

    steps = (
        step("s1", "T1190", T0, att, web), step("s2", "T1505.003", T0 + 100, att, web, effect="absent"),
        step("s3", "T1046", T0 + 200, web, db), step("s4", "T1041", T0 + 320, web, att),
        step("s5", "T1003.008", T0 + 420, att, db, effect="absent"),
        step("s6", "T1110.001", T0 + 520, att, db, effect="absent"),
    )  # fmt: skip
    control = a_control(*(replace(each, effect="absent" if each.id == "s5" else "achieved") for each in steps))

    def said(about: Action, after: float, seen: float, tags: tuple[str, ...], **changes: Any) -> Alert:
        return an_alert(about, time=about.start + after, seen=about.start + seen, techniques=tags, **changes)

    trial = a_trial(
        *steps, ended=T0 + 700, frozen=T0 + 690, canaries=canaries("suricata", end=T0 + 660),
        alerts=(
            said(steps[0], 1.0, 1.6, ("T1190",)), said(steps[0], 1.2, 2.0, ("T1190",)),
            said(steps[1], 1.0, 1.5, ("T1505",), disposition="blocked"), telemetry(steps[2]),
            said(steps[3], 22.0, 55.0, ()), said(steps[5], 1.0, 1.5, (), disposition="allowed"),
            said(steps[3], 10.0, 11.0, ("T1190",), src=Endpoint(user, 1), dst=Endpoint(web, 80)),
        ),
    )  # fmt: skip
    for rule in ("general", "reject"):
        found = judge(trial, against(control, rules=Rules(Gates(), tag_mismatch=rule)))  # type: ignore[arg-type]
        assert [(v.label, v.evidence or v.reason, v.quality, v.delayed) for v in found] == [
            ("detected", None, "technique", False), ("blocked", "explicit", "tactic", False),
            ("telemetry", None, "telemetry", False), ("detected", None, "general", True),
            ("inconclusive", "control_failed", "none", False), ("inconclusive", "no_block_evidence", "general", False),
        ]  # fmt: skip
        assert (found[0].after, found[0].duplicates, found[3].after) == (pytest.approx(1.6), 1, pytest.approx(55))
    repeated = against(control, repeats={"s6": (Repeat("absent", True, False),) * 3})
    assert judge(trial, repeated)[5].evidence == "differential"
    assert attribute(trial.actions, trial.alerts)[6].rule == "none"


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
    assert essence(judge(replace(trial, alerts=tuple(alerts)), against(control))) == essence(
        judge(trial, against(control))
    )


@given(trials(), CONTROLS)
def test_alerts_twice_change_no_label(trial: Trial, control: Trial) -> None:
    twice = judge(replace(trial, alerts=trial.alerts * 2), against(control))
    assert [(v.label, v.reason, v.after) for v in twice] == [
        (v.label, v.reason, v.after) for v in judge(trial, against(control))
    ]


@given(trials(), CONTROLS, st.sampled_from(("192.0.2.98", None)), st.sampled_from(STEPS))
def test_an_unrelated_alert_changes_no_verdict(trial: Trial, control: Trial, source: str | None, step: Action) -> None:
    stray = an_alert(step, src=Endpoint(source), disposition="blocked")
    more = judge(replace(trial, alerts=(*trial.alerts, stray)), against(control))
    assert essence(more) == essence(judge(trial, against(control)))


@given(trials())
def test_without_control_no_verdict_is_conclusive(trial: Trial) -> None:
    assert not any(verdict.label in CONCLUSIVE for verdict in judge(trial, NOBODY))


@given(trials(), CONTROLS)
def test_silence_of_a_dead_sensor_is_never_a_miss(trial: Trial, control: Trial) -> None:
    labels = {
        verdict.label for verdict in judge(replace(trial, canaries=canaries("suricata", after=False)), against(control))
    }
    assert "missed" not in labels


@given(trials(), CONTROLS)
def test_every_verdict_has_a_reason_in_words(trial: Trial, control: Trial) -> None:
    for verdict in judge(trial, against(control)):
        assert verdict.why.endswith(".")
        assert (verdict.reason is not None) == (verdict.label == "inconclusive")
        assert (verdict.evidence is not None) == (verdict.label == "blocked")


def test_the_demonstration_has_every_label() -> None:
    labels = {verdict.label for one in a_demo_result().judged for verdict in one.verdicts}
    assert labels == {
        "effective", "not_effective", "blocked", "detected", "missed", "not_applicable", "inconclusive",
    }  # fmt: skip
