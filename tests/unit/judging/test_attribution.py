"""Which action an alert is about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.judging.alarms import kind_of
from range.judging.attribution import SKEW, Attribution, attribute, ready
from range.ledger import Action, Alert, Endpoint, Flow
from tests.builders import ATTACKER, OFFICE, T0, WEB, a_trial, an_action, an_alert

STEP = an_action("sqli")
LATER = an_action("exfil", start=T0 + 3, end=T0 + 4, technique="T1041")
ELSEWHERE = Endpoint("192.0.2.99")


def about(alert: Alert, *actions: Action) -> Attribution:
    (found,) = attribute(actions, [alert])
    return found


@pytest.mark.parametrize(
    "text",
    [
        "GET /?q=jrsqli HTTP/1.1", "JRSQLI", "jrsqli", "x_jrsqli.txt", "q=%27jrsqli%20", "like '%jrsqli%'",
        "jrsqli.example.org",
    ],
)  # fmt: skip
def test_a_nonce_wins_over_time_place_and_technique(text: str) -> None:
    alert = an_alert(STEP, text=text, time=T0 + 5000, src=ELSEWHERE, techniques=("T1041",))
    assert about(alert, LATER, STEP) == Attribution(0, 1, "nonce", (1,))


@pytest.mark.parametrize("text", ["jrsqli2", "ajrsqli", "", "sqli", "%6ajrsqli7"])
def test_half_a_nonce_is_none(text: str) -> None:
    assert about(an_alert(STEP, text=text, src=ELSEWHERE), STEP).rule == "none"


def test_a_nonce_with_other_signs_is_found_too() -> None:
    step = replace(STEP, nonce="jr-4_x")
    assert about(an_alert(step, text="agent jr-4_x;", src=ELSEWHERE), step).rule == "nonce"
    assert about(an_alert(step, text="agent jr-4_x9", src=ELSEWHERE), step).rule == "none"


def test_of_two_nonces_the_one_in_the_window_wins_and_else_nobody() -> None:
    alert = an_alert(STEP, text="jrsqli jrexfil")
    far = replace(LATER, start=T0 + 500, end=T0 + 501)
    assert about(alert, STEP, far).action_index == 0
    assert about(replace(alert, src=ELSEWHERE), STEP, LATER) == Attribution(0, None, "ambiguous", (0, 1))


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        (T0 - 0.6, "none"), (T0 - 0.5, "window"), (T0 + 0.5, "window"), (T0 + 11, "window"), (T0 + 11.1, "none"),
    ],
)  # fmt: skip
def test_the_window_is_from_just_before_the_start_to_the_end_and_its_window(time: float, rule: str) -> None:
    assert about(an_alert(STEP, time=time), STEP).rule == rule


def test_a_clock_of_whole_seconds_gets_a_second_more() -> None:
    step = replace(STEP, start=T0 + 0.9)
    assert about(an_alert(step, time=T0), step).rule == "none"
    assert about(an_alert(step, time=T0, resolution=1.0), step).rule == "window"


def test_the_pair_is_the_same_whichever_way_round() -> None:
    assert about(an_alert(STEP, src=Endpoint(WEB, 80), dst=Endpoint(ATTACKER, 4)), STEP).action_index == 0


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        (Endpoint(), Endpoint()), (Endpoint(ATTACKER), Endpoint()), (Endpoint(), Endpoint(WEB)),
        (Endpoint(OFFICE), Endpoint(WEB)), (Endpoint(ATTACKER), ELSEWHERE), (Endpoint(ATTACKER), Endpoint(ATTACKER)),
    ],
)  # fmt: skip
def test_a_missing_or_other_address_matches_nothing(src: Endpoint, dst: Endpoint) -> None:
    assert about(an_alert(STEP, src=src, dst=dst), STEP) == Attribution(0, None, "none")


@pytest.mark.parametrize(
    ("node", "src", "rule"),
    [
        ("web", ATTACKER, "window"), ("attacker", WEB, "window"), ("web", WEB, "none"), ("web", OFFICE, "none"),
        ("attacker", ATTACKER, "none"), ("sensor", ATTACKER, "none"),
    ],
)  # fmt: skip
def test_a_tool_on_one_end_that_names_the_other_has_said_the_pair(node: str, src: str, rule: str) -> None:
    assert about(an_alert(STEP, node=node, src=Endpoint(src), dst=Endpoint()), STEP).rule == rule


def test_a_node_that_attacks_itself_has_no_other_end() -> None:
    step = replace(STEP, source="web", source_address=WEB)
    assert about(an_alert(step, node="web", src=Endpoint(WEB), dst=Endpoint()), step).rule == "none"


@pytest.mark.parametrize(
    ("said", "of_step", "fits"),
    [
        ((), "T1190", True), (("T1190",), "T1190", True), (("T1110",), "T1110.001", True),
        (("T1110.001",), "T1110", True), (("T1046", "T1190"), "T1190", True), (("T1046",), "T1190", False),
        (("T1046",), None, True),
    ],
)  # fmt: skip
def test_a_contradicting_technique_is_rejected_or_credited_as_general(
    said: tuple[str, ...], of_step: str | None, fits: bool
) -> None:
    alert, step = an_alert(STEP, techniques=said), replace(STEP, technique=of_step)
    (strict,) = attribute([step], [alert], tag_mismatch="reject")
    assert strict == (Attribution(0, 0, "window", (0,)) if fits else Attribution(0, None, "none", (0,)))
    assert about(alert, step) == Attribution(0, 0, "window", (0,))


def test_an_alert_that_names_another_technique_goes_to_who_does_not_contradict() -> None:
    other = replace(LATER, start=T0)
    assert about(an_alert(STEP, techniques=("T1041",)), STEP, other).action_index == 1
    named = an_alert(STEP, text=STEP.nonce, techniques=("T1041",))
    assert about(named, STEP).rule == "nonce"
    assert attribute([STEP], [named], tag_mismatch="reject") == (Attribution(0, None, "none", (0,)),)


def test_a_revoked_technique_agrees_with_its_successor() -> None:
    step = replace(STEP, technique="T1505.003")
    (found,) = attribute([step], [an_alert(step, techniques=("T1100",))], tag_mismatch="reject")
    assert found.rule == "window"


FLOW = Flow("dmz", "tcp", Endpoint(ATTACKER, 40000), Endpoint(WEB, 80), T0, T0 + 1, 9, 900)
OPENER = replace(STEP, flows=(FLOW,))


def test_a_flow_wins_over_window_and_technique() -> None:
    twin = replace(STEP, id="twin", nonce="jrtwin", technique=None)
    alert = an_alert(STEP, techniques=("T1041",))
    assert about(alert, twin, OPENER) == Attribution(0, 1, "flow", (1,))
    turned = replace(alert, src=alert.dst, dst=alert.src, proto="TCP")
    assert about(turned, twin, OPENER).rule == "flow"


@pytest.mark.parametrize(
    "changes",
    [
        {"proto": None}, {"proto": "udp"}, {"proto": ""}, {"src": Endpoint(ATTACKER)}, {"dst": Endpoint(WEB)},
        {"src": Endpoint(None, 40000)}, {"src": Endpoint(ATTACKER, 40001)}, {"time": T0 - 0.6}, {"time": T0 + 11.1},
        {"src": Endpoint(ATTACKER, 80), "dst": Endpoint(WEB, 40000)},
    ],
)  # fmt: skip
def test_a_flow_of_which_anything_is_missing_or_different_is_not_that_flow(changes: dict[str, Any]) -> None:
    far = replace(OPENER, start=T0 + 5000, end=T0 + 5001)
    assert about(an_alert(STEP, **changes), far).rule == "none"
    assert about(an_alert(STEP), far).rule == "flow"


def test_flows_without_ports_match_nothing() -> None:
    ping = replace(FLOW, proto="icmp", src=Endpoint(ATTACKER), dst=Endpoint(WEB))
    step = replace(STEP, flows=(ping,), start=T0 + 5000, end=T0 + 5001)
    alert = an_alert(STEP, proto="icmp", src=Endpoint(ATTACKER), dst=Endpoint(WEB))
    assert about(alert, step).rule == "none"


def test_of_two_actions_with_one_flow_the_window_decides_between_these_only() -> None:
    other = replace(LATER, flows=(replace(FLOW, start=T0 + 3, end=T0 + 4),))
    alert = an_alert(STEP, techniques=(), time=T0 + 3.5)
    assert about(alert, OPENER, other) == Attribution(0, 1, "window", (1,))
    third = replace(STEP, id="third", nonce="jrthird", start=T0 + 3, end=T0 + 4)
    assert about(alert, OPENER, other, third).action_index == 1
    assert about(replace(alert, time=T0 + 2), OPENER, other) == Attribution(0, 0, "flow", (0,))
    assert about(alert, replace(OPENER, end=T0 + 5), other, third) == Attribution(0, None, "ambiguous", (0, 1))


def test_a_null_step_takes_its_alerts_from_the_steps() -> None:
    null = an_action("null-1", kind="null", technique=None)
    assert about(an_alert(STEP, text="jrnull1"), STEP, null).action_index == 1


def test_by_window_a_null_step_takes_only_what_nobody_else_could_have_caused() -> None:
    null = an_action("null-1", kind="null", technique=None, start=T0 - 1, end=T0 - 0.9)
    late = an_alert(STEP, techniques=(), time=T0 + 2)
    assert about(late, null, STEP) == Attribution(0, 1, "window", (1,))
    assert about(late, null) == Attribution(0, 0, "window", (0,))


def plainly(actions: list[Action], alert: Alert) -> set[int]:
    """The window rule as it is written, without any look-up."""
    return {
        index
        for index, action in enumerate(actions)
        if {alert.src.address, alert.dst.address} == {action.source_address, action.target_address}
        and action.start - SKEW - alert.resolution <= alert.time <= action.end + action.window
    }


ADDRESSES = st.sampled_from(("192.0.2.1", "192.0.2.2", "192.0.2.3"))
TIMES = st.integers(0, 60).map(lambda second: T0 + second)


@st.composite
def any_actions(draw: st.DrawFn) -> list[Action]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        start = draw(TIMES)
        made.append(
            an_action(
                f"n{number}",
                start=start,
                end=start + draw(st.integers(0, 50)),
                window=float(draw(st.integers(0, 9))),
                source_address=draw(ADDRESSES),
                target_address=draw(ADDRESSES),
                technique=None,
            )
        )
    return made


@given(any_actions(), TIMES, ADDRESSES, ADDRESSES, st.sampled_from((0.0, 1.0)))
def test_the_index_finds_just_what_the_rule_says(
    actions: list[Action], time: float, src: str, dst: str, resolution: float
) -> None:
    alert = an_alert(time=time, src=Endpoint(src), dst=Endpoint(dst), techniques=(), resolution=resolution)
    assert set(ready(actions).near(alert)) == plainly(actions, alert)


@given(st.lists(st.text("jrab0", min_size=1, max_size=4), max_size=5), st.text("jrab0 %-", max_size=20))
def test_nonces_with_a_common_beginning_are_found_as_whole_words(nonces: list[str], text: str) -> None:
    actions = [an_action(f"n{number}", nonce=nonce) for number, nonce in enumerate(nonces)]
    words = set(re.findall("[0-9a-z]+", text)) | set(re.findall("[0-9a-z]+", re.sub("%[0-9a-f]{2}", " ", text)))
    expected = tuple(number for number, nonce in enumerate(nonces) if nonce in words)
    assert ready(actions).nonces.echoed(text) == expected


def test_of_several_the_exact_technique_is_preferred_then_the_one_going_on() -> None:
    twin = replace(LATER, technique="T1190.001", start=T0)
    assert about(an_alert(STEP, techniques=("T1190",)), twin, STEP).action_index == 1
    assert about(an_alert(STEP, techniques=(), time=T0 + 3.5), STEP, LATER).action_index == 1
    both = replace(LATER, start=T0)
    assert about(an_alert(STEP, techniques=(), time=T0 + 0.5), STEP, both) == Attribution(0, None, "ambiguous", (0, 1))


def test_a_skipped_action_is_never_credited() -> None:
    skipped = replace(STEP, skipped="not needed")
    assert about(an_alert(STEP, text="jrsqli"), skipped) == Attribution(0, None, "none")


@pytest.mark.parametrize("kind", ["benign", "canary"])
def test_benign_actions_and_canaries_take_their_alerts_from_the_steps(kind: str) -> None:
    other = an_action("browse", kind=kind, technique=None)
    assert about(an_alert(STEP, text="jrbrowse"), STEP, other).action_index == 1
    plain = an_alert(STEP, techniques=(), time=T0 + 0.5)
    assert about(plain, STEP, other).rule == "ambiguous"


@given(st.permutations([an_alert(STEP), an_alert(LATER), an_alert(STEP, text="jrexfil"), an_alert(src=ELSEWHERE)]))
def test_the_order_of_alerts_changes_no_attribution(alerts: list[Alert]) -> None:
    found = attribute([STEP, LATER], alerts)
    assert [each.alert_index for each in found] == [0, 1, 2, 3]
    alone = [attribute([STEP, LATER], [alert])[0] for alert in alerts]
    assert [replace(each, alert_index=0) for each in found] == alone


@given(
    st.lists(st.text("ab1", min_size=1, max_size=4), min_size=1, max_size=5, unique=True),
    st.text("aAb1 %2-", max_size=30),
)
def test_a_nonce_is_found_exactly_where_it_is_a_whole_word(nonces: list[str], text: str) -> None:
    actions = [an_action(f"s{number}", nonce=nonce) for number, nonce in enumerate(nonces)]
    low = text.lower()
    words = {word for shown in (low, re.sub("%[0-9a-f]{2}", " ", low)) for word in re.split("[^0-9a-z]+", shown)}
    assert ready(actions).nonces.echoed(text) == tuple(n for n, nonce in enumerate(nonces) if nonce in words)


def test_an_alert_about_a_clean_up_is_no_alert_about_its_step() -> None:
    """Both have one nonce, one pair and one technique; only the time of the alert tells them apart."""
    step = an_action("shell", nonce="jrshell")
    undone = an_action(
        "shell/cleanup", kind="cleanup", nonce="jrshell", start=step.end + 5, end=step.end + 6, window=1.0
    )
    early = an_alert(step, text="GET /?c=id&n=jrshell", techniques=("T1190",))
    late = replace(early, time=undone.start + 0.2, seen=undone.start + 0.4)
    found = attribute((step, undone), (early, late))
    assert [one.action_index for one in found] == [0, 1]
    trial = a_trial(step, undone, alerts=(early, late))
    assert [kind_of(one, trial) for one in attribute(trial.actions, trial.alerts)] == ["step", "cleanup"]
