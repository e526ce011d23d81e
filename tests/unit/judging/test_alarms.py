"""False alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.campaign import Known
from range.judging.alarms import false_alarms, in_benign_time, kind_of, reasons
from range.judging.scorecard import FalseAlarms, Judged, Scorecard
from range.ledger import Endpoint, Phase, Request, Trial
from tests.builders import A_NULL_STEP, OFFICE, T0, a_control, a_result, a_trial, an_action, an_alert

A, B = an_action("a"), an_action("b", start=T0 + 20, end=T0 + 21)
CONTROL_TRIAL = a_control(A, B)
SEEN_A = an_alert(A, text="jra")
BROWSE = an_action("browse@pc#1", kind="benign", technique=None, source="pc", source_address=OFFICE, nonce="jrbrowse")


def card_of(*trials: Trial) -> Scorecard:
    return a_result(CONTROL_TRIAL, *trials).scorecards[-1]


def judged(trial: Trial) -> Judged:
    return a_result(CONTROL_TRIAL, trial).judged[1]


def test_false_alarms_are_about_benign_activity_or_nothing_once_a_minute() -> None:
    browse = an_action("browse", kind="benign", technique=None, source="pc", source_address=OFFICE)
    again = replace(browse, start=T0 + 1, end=T0 + 2, nonce="jrbrowse2")
    noise = an_alert(browse, rule="7", techniques=())
    turned = replace(noise, src=noise.dst, dst=noise.src)
    stray = an_alert(A, src=Endpoint("192.0.2.77"), rule="8")
    trial = a_trial(
        A, browse, again, an_action("canary", kind="canary", technique=None, source_address="192.0.2.50"),
        alerts=(
            noise, turned, replace(noise, time=T0 + 1.5), stray, replace(stray, time=stray.time + 70), SEEN_A,
            an_alert(A, text="jrcanary"),
        ),
    )  # fmt: skip
    card = card_of(trial)
    assert [(alarm.rule, alarm.about, len(alarm.alerts)) for alarm in card.false_alarms] == [
        ("7", "browse", 3), ("8", None, 1), ("8", None, 1),
    ]  # fmt: skip
    assert (card.ambiguous, card.mistagged) == (0, 0)


def test_ambiguous_alerts_are_no_false_alarms() -> None:
    card = card_of(a_trial(A, an_action("twin"), alerts=(an_alert(A),)))
    assert (card.ambiguous, card.mistagged, card.false_alarms) == (1, 0, ())


def test_an_alert_that_could_be_about_several_canaries_is_about_a_canary() -> None:
    first = an_action("canary", kind="canary", technique=None)
    twins = (first, replace(first, nonce="jrcanary2"))
    card = card_of(a_trial(*twins, alerts=(an_alert(first),)))
    assert (card.ambiguous, card.mistagged, card.false_alarms) == (0, 0, ())


@given(st.permutations([an_alert(A, src=Endpoint("192.0.2.77"), time=T0 + second) for second in (1, 2, 3, 55, 90)]))
def test_the_order_of_alerts_changes_no_false_alarm(alerts: Sequence[object]) -> None:
    found = false_alarms(judged(a_trial(A, alerts=tuple(alerts))))
    assert [len(alarm.alerts) for alarm in found] == [3, 2]


def test_kinds() -> None:
    canary = an_action("canary", kind="canary", technique=None, nonce="jrcanary")
    record = an_alert(A, src=Endpoint("192.0.2.77"), telemetry=True)
    alerts = (
        SEEN_A, an_alert(A, text="jrcanary"), an_alert(A, text=A_NULL_STEP.nonce), an_alert(A, text="jrbrowse"),
        an_alert(A, src=Endpoint("192.0.2.77")), record, replace(SEEN_A, seen=T0 + 91),
        an_alert(A, text="jrbrowse", telemetry=True), an_alert(A, text=A_NULL_STEP.nonce, telemetry=True),
    )  # fmt: skip
    one = judged(a_trial(A, BROWSE, canary, alerts=alerts, frozen=T0 + 90))
    assert [kind_of(found, one.trial) for found in one.attributions] == [
        "step", "canary", "null", "false", "false", "telemetry", "late", "telemetry", "telemetry",
    ]  # fmt: skip


def test_an_alarm_within_the_benign_window_is_marked() -> None:
    inside = replace(BROWSE, start=T0 - 8, end=T0 - 7)
    later = replace(BROWSE, id="browse@pc#2", nonce="jrlater", start=T0 + 1, end=T0 + 2)
    trial = a_trial(A, inside, later, alerts=(an_alert(inside, text="jrbrowse"), an_alert(later, text="jrlater")))
    assert [(alarm.about, alarm.window) for alarm in card_of(trial).false_alarms] == [
        ("browse@pc#1", True), ("browse@pc#2", False),
    ]  # fmt: skip


def in_an_hour(alarms: int, known: bool = False, requests: int = 0) -> FalseAlarms | None:
    users = replace(
        BROWSE, start=T0 - 3000, end=T0 - 2999, requests=tuple(Request("/", 0.1, True) for _ in range(requests))
    )
    alerts = tuple(an_alert(users, text="jrbrowse", rule=f"r{n % 2}", time=users.start + 60 * n) for n in range(alarms))
    trial = a_trial(A, users, alerts=(SEEN_A, *alerts), started=T0 - 3700, phases=(Phase("benign", T0 - 3600, T0),))
    one = judged(trial)
    found = false_alarms(one, {("suricata", "r0"): "looked at"} if known else None)
    return in_benign_time([one], found, card_of(trial).noticed)


def test_the_rate_comes_with_hours_activity_and_rules() -> None:
    found = in_an_hour(4, requests=50)
    assert found is not None
    assert found.rate is not None
    assert (found.rate.count, found.rate.hours, found.rate.value) == (4, 1.0, 4.0)
    assert (found.requests, found.per_10k) == (50, 800.0)
    assert found.rules == (("suricata r0", 2), ("suricata r1", 2))
    assert found.profile == (("browse", 1),)
    by_actions = in_an_hour(4)
    assert by_actions is not None
    assert (by_actions.requests, by_actions.per_10k) == (1, 40_000.0)


def test_known_alarms_are_not_in_the_rate() -> None:
    found = in_an_hour(4, known=True)
    assert found is not None
    assert found.rate is not None
    assert (found.rate.count, found.rules) == (2, (("suricata r1", 2),))


def test_the_chance_that_an_alarm_is_about_an_attack() -> None:
    found = in_an_hour(4)
    assert found is not None
    assert [(count, span) for count, span, _share in found.chance] == [(1, "day"), (1, "week"), (1, "month")]
    assert [share for *_, share in found.chance] == pytest.approx(
        [(1 / hours) / (1 / hours + 4) for hours in (24, 168, 720)]
    )
    none = in_an_hour(0)
    assert none is not None
    assert none.rate is not None
    assert none.chance[0][2] == pytest.approx((1 / 24) / (1 / 24 + none.rate.high))


def test_without_benign_only_time_there_is_no_rate() -> None:
    assert in_benign_time([judged(a_trial(A, phases=()))], (), None) is None


def test_known_reasons_hold_to_their_day() -> None:
    entry = Known(tool="a", rule="1", reason="why", owner="us", expires="2026-11-23")
    assert reasons([entry], "2026-11-23") == {("a", "1"): "why"}
    assert reasons([entry], "2026-11-24") == {}
