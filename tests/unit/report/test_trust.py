"""What a report says about the measuring itself."""

from __future__ import annotations

from dataclasses import replace

from range.ledger import CanaryResult, Capture, SensorHealth
from range.report.trust import captured, cost, matching, moment, slower, witnesses
from tests.builders import T0, a_control, a_demo_result, a_result, a_rich_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def test_every_tool_of_every_arm_is_a_witness() -> None:
    found = witnesses(a_rich_result())
    assert [(one.arm, one.tool) for one in found] == [
        ("previous", "suricata"), ("candidate", "suricata"), ("candidate", "modsecurity"), ("candidate", "fail2ban"),
    ]  # fmt: skip
    assert all(one.well and one.seen == one.sent == 9 for one in found)
    assert (found[0].packets, found[0].drops, found[0].config) == (144_006, 0, ("sha256:77aa",))


def test_a_canary_that_was_not_seen_is_named_with_its_trial() -> None:
    dead = (CanaryResult("suricata", "before", "n", T0, 0.5), CanaryResult("suricata", "between", "n", T0 + 1, None))
    [one] = witnesses(a_result(a_control(STEP), a_trial(STEP, canaries=dead)))
    assert (one.seen, one.sent, one.unseen, one.well) == (1, 2, ("defended-1, in the middle",), False)


def test_a_sensor_that_lost_input_or_changed_is_not_well() -> None:
    health = (SensorHealth("suricata", "sensor", True, False, 90, 10, config="a"),)
    first = a_trial(STEP, health=health)
    second = a_trial(STEP, id="defended-2", number=2, health=(replace(health[0], drops=0, config="b"),))
    [one] = witnesses(a_result(a_control(STEP), first, second))
    assert one.ailing == ("defended-1: it lost 10 of 100 packets (10.00%)",)
    assert (one.config, one.well) == (("a", "b"), False)


def test_a_tool_without_a_canary_is_no_witness() -> None:
    [one] = witnesses(a_result(a_control(STEP), a_trial(STEP, canaries=())))
    assert (one.sent, one.slowest, one.packets, one.well) == (0, None, None, False)


def test_every_alert_is_counted_once_by_rule_or_by_what_became_of_it() -> None:
    result = a_demo_result()
    [one] = matching(result)
    counted = sum(count for _name, _why, count in one.joined) + sum(count for _name, count, _why in one.rest)
    assert counted == len(result.judged[1].trial.alerts)
    assert {name: count for name, _why, count in one.joined} == {"mark": 5, "window": 3}
    assert one.rest == (("false alarms", 2, "about benign activity, or about nothing that was done"),)


def test_late_alerts_and_alerts_about_nothing_done_have_their_line() -> None:
    late = an_alert(STEP, text=STEP.nonce, seen=T0 + 99)
    null = an_alert(STEP, text="jrnull1", time=T0 - 2.95, seen=T0 - 2)
    [one] = matching(a_result(a_control(STEP), a_trial(STEP, alerts=(late, null), frozen=T0 + 90)))
    assert [(name, count) for name, count, _why in one.rest] == [("late", 1), ("about steps that do nothing", 1)]


def test_the_placebo_says_its_interval_or_that_there_is_none() -> None:
    assert matching(a_rich_result())[0].placebo == "0 of 30 (0% to 11%)"
    assert matching(a_result(a_control(), a_trial()))[0].placebo == "could not be measured"


def test_captures_are_listed_with_what_is_missing() -> None:
    gap = Capture("dmz", "trials/defended-1/captures/dmz.pcap.gz", 1200, 2048, False, "the disk was full")
    assert captured(a_result(a_control(STEP), a_trial(STEP, captures=(gap,)))) == (
        ("defended-1", "dmz", "1,200", "2.0 KiB", False, "the disk was full"),
    )


def test_costs_stand_beside_the_same_node_without_tools() -> None:
    card = a_rich_result().scorecards[2]
    assert cost(card) == (
        ("sensor", "suricata", "11.0% of one", "320.0 MiB; the node is there only with tools"),
        ("web", "fail2ban, modsecurity", "8.0% of one, control 5.6%", "180.0 MiB, control 125.0 MiB"),
    )
    assert slower(card) == "26 ms, 1.4 times the control arm's 19 ms"
    assert slower(replace(card, service=None)) == "-"


def test_short_times_are_in_milliseconds() -> None:
    assert [moment(seconds) for seconds in (None, 0.0194, 1.25, 0.0)] == ["-", "19 ms", "1.2 s", "0.0 s"]
