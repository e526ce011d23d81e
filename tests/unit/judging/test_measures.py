"""What is measured beside verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.campaign import Weights
from range.judging import measures
from range.judging.scorecard import Judged
from range.ledger import Request, SensorHealth, Trial, Usage
from tests.builders import OFFICE, T0, a_control, a_result, a_trial, an_action, an_alert

A, B, C = (an_action(name, start=T0 + 20 * n, end=T0 + 20 * n + 1) for n, name in enumerate("abc"))
CONTROL = a_control(A, B, C)


def judged(*trials: Trial, control: Trial = CONTROL) -> tuple[Judged, ...]:
    return tuple(one for one in a_result(control, *trials).judged if one.trial.arm != "control")


def test_steps_never_noticed_are_censored_at_the_horizon() -> None:
    blocked = replace(C, effect="absent")
    trial = a_trial(A, B, blocked, alerts=(an_alert(A),), frozen=T0 + 61)
    found = measures.time_to_detect(judged(trial), seed=1)
    assert found is not None
    assert (found.detected, found.censored, found.horizon) == (1, 1, 10 + 20)
    assert found.median == pytest.approx(0.7)
    assert found.restricted_mean.value == pytest.approx((0.7 + 30) / 2)
    unfrozen = measures.time_to_detect(judged(replace(trial, frozen=None)), seed=1)
    assert unfrozen is not None
    assert unfrozen.horizon == 10 + 59


def test_missing_a_slow_step_never_makes_a_tool_look_quicker() -> None:
    quick, slow = an_alert(A), an_alert(B, seen=B.start + 9)
    both = measures.time_to_detect(judged(a_trial(A, B, alerts=(quick, slow), frozen=T0 + 40)), seed=1)
    one = measures.time_to_detect(judged(a_trial(A, B, alerts=(quick,), frozen=T0 + 40)), seed=1)
    assert both is not None
    assert one is not None
    assert one.restricted_mean.value > both.restricted_mean.value


def test_replays_and_blocked_steps_have_no_time() -> None:
    played = replace(A, tier="replay")
    control = a_control(played, B)
    trial = a_trial(played, replace(B, effect="absent"), alerts=(an_alert(A),))
    assert measures.time_to_detect(judged(trial, control=control), seed=1) is None


def test_the_pipeline_is_the_median_wait_of_alerts_in_time() -> None:
    alerts = tuple(an_alert(A, seen=T0 + 0.4 + wait) for wait in (0.1, 0.3, 0.5, 500.0))
    assert measures.pipeline(judged(a_trial(A, alerts=alerts, frozen=T0 + 90))) == pytest.approx(0.3)
    assert measures.pipeline(judged(a_trial(A))) is None


def users(*seconds: float, failed: int = 0) -> Trial:
    requests = [Request("/", each, True) for each in seconds] + [Request("/", 9.0, False)] * failed
    browse = an_action("browse", kind="benign", source_address=OFFICE, requests=tuple(requests))
    return a_trial(A, browse)


def test_the_service_by_requests_beside_control() -> None:
    own = judged(users(0.1, 0.2, 0.3, failed=1))
    bare = a_result(replace(users(0.05, 0.15), arm="control", tools=())).judged
    found = measures.service(own, bare)
    assert found is not None
    assert (found.what, found.served.count, found.served.of) == ("requests", 3, 4)
    assert (found.p50, found.versus) == (pytest.approx(0.2), pytest.approx(0.1))
    assert found.p99 is not None
    assert 0.29 < found.p99 <= 0.3


def test_the_service_by_actions_where_nobody_measured_requests() -> None:
    visits = [
        an_action(f"v{n}", kind="benign", end=T0 + n, effect="achieved" if n else "absent", nonce="") for n in range(3)
    ]
    found = measures.service(judged(a_trial(A, *visits)), ())
    assert found is not None
    assert (found.what, found.served.count, found.served.of, found.p50, found.versus) == ("actions", 2, 3, 1.5, None)
    assert measures.service(judged(a_trial(A)), ()) is None
    shut = measures.service(judged(a_trial(A, visits[0])), ())
    assert shut is not None
    assert (shut.served.count, shut.p50, shut.p99) == (0, None, None)


def test_costs_are_of_nodes_with_tools_beside_the_same_without() -> None:
    usage = (Usage("web", 100, 20, 500), Usage("sensor", 100, 50, 900), Usage("office", 100, 1, 10))
    trial = a_trial(A, usage=usage, health=(SensorHealth("waf", "web"),), alerts=(an_alert(A),))
    again = replace(trial, id="d2", number=2, usage=(Usage("web", 300, 20, 700),))
    bare = a_control(A, usage=(Usage("web", 100, 5, 400), Usage("office", 100, 1, 10)))
    control = a_result(bare).judged
    sensor, web = measures.costs(judged(trial, again), control)
    assert (sensor.node, sensor.tools, sensor.cpu, sensor.control_cpu) == ("sensor", ("suricata",), 0.5, None)
    assert (web.node, web.tools, web.cpu, web.memory) == ("web", ("waf",), 0.1, 700)
    assert (web.control_cpu, web.control_memory) == (0.05, 400)


def test_a_node_that_control_does_not_have_is_the_tools() -> None:
    trial = a_trial(A, usage=(Usage("sensor", 10, 1, 5), Usage("idle", 0, 0, 0)))
    (found,) = measures.costs(judged(trial), ())
    assert (found.node, found.tools) == ("sensor", ())


def test_a_total_is_asked_for_and_explained() -> None:
    found = measures.total(Weights(noticed=1, benign=3), 0.5, 0.2, 1.0)
    assert found is not None
    assert (found.value, found.parts) == (0.875, (("noticed", 1.0, 0.5), ("benign", 3.0, 1.0)))
    assert measures.total(None, 0.5, 0.2, 1.0) is None
    assert measures.total(Weights(), 0.5, 0.2, 1.0) is None
    assert measures.total(Weights(noticed=1, blocked=1), 0.5, None, 1.0) is None
