"""OCSF Detection Findings: what class 2004 requires, and that nothing is found that no tool said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from range.judging.scorecard import FalseAlarm
from range.report.ocsf import MOST, ocsf
from tests.builders import T0, a_control, a_demo_result, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def read(text: str) -> list[dict[str, Any]]:
    """The findings, after checks of what OCSF requires of a Detection Finding."""
    found = [json.loads(line) for line in text.split("\n")[:-1]]
    for one in found:
        assert (one["category_uid"], one["class_uid"]) == (2, 2004)
        assert one["activity_id"] in (1, 2, 3)
        assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"]
        assert one["severity_id"] in (0, 1, 2, 3, 4, 5, 6, 99)
        assert one["status_id"] in (0, 1, 2, 3, 4, 5, 99)
        assert all(isinstance(one[key], int) for key in ("time", "start_time", "end_time"))
        assert one["start_time"] <= one["end_time"]
        assert one["metadata"]["version"].startswith("1.")
        assert one["metadata"]["product"]["name"]
        assert one["finding_info"]["uid"]
        assert one["evidences"]
        assert all({"data"} <= evidence.keys() for evidence in one["evidences"])
        for attack in one["finding_info"].get("attacks", ()):
            assert attack.keys() & {"technique", "sub_technique", "tactic"}
    uids = [one["finding_info"]["uid"] for one in found]
    assert len(set(uids)) == len(uids)
    return found


def test_the_demonstration() -> None:
    found = read(ocsf(a_demo_result(attack="18")))
    steps = [one for one in found if one["unmapped"]["jointrange"]["kind"] == "step"]
    said = [(one["metadata"]["product"]["name"], one["unmapped"]["jointrange"]["step"]) for one in steps]
    assert said == [
        ("suricata", "scan"), ("suricata", "probe"), ("modsecurity", "sqli"), ("suricata", "sqli"),
        ("modsecurity", "xss"), ("modsecurity", "traversal"), ("fail2ban", "guess"),
    ]  # fmt: skip
    false = [one for one in found if one["unmapped"]["jointrange"]["kind"] == "false_alarm"]
    assert [(one["status"], one["finding_info"]["analytic"]["uid"]) for one in false] == [
        ("Suppressed", "920350"),
        ("Suppressed", "2200003"),
    ]


def test_what_a_finding_says() -> None:
    found = read(ocsf(a_demo_result(attack="18")))
    waf = next(one for one in found if one["metadata"]["product"]["name"] == "modsecurity")
    assert (waf["severity"], waf["action"], waf["disposition"]) == ("Critical", "Denied", "Blocked")
    assert (waf["action_id"], waf["disposition_id"]) == (2, 2)
    [attack] = waf["finding_info"]["attacks"]
    assert (attack["technique"]["uid"], attack["version"]) == ("T1190", "18")
    assert waf["unmapped"]["jointrange"]["attributed_by"] == ["nonce"]
    assert waf["unmapped"]["jointrange"]["seconds_to_arrival"] == 0.5
    scan = found[0]
    assert scan["count"] == 2
    guess = next(one for one in found if one["metadata"]["product"]["name"] == "fail2ban")
    assert guess["finding_info"]["attacks"][0]["sub_technique"]["uid"] == "T1110.001"
    assert "dst_endpoint" not in guess["evidences"][0]


def test_a_missed_step_and_mere_records_are_no_finding() -> None:
    assert read(ocsf(a_result(a_control(STEP), a_trial(STEP)))) == []
    record = an_alert(STEP, text=STEP.nonce, telemetry=True)
    assert read(ocsf(a_result(a_control(STEP), a_trial(STEP, alerts=(record,))))) == []
    assert ocsf(a_result()) == ""


def test_of_many_alerts_only_some_are_evidence_and_all_are_counted() -> None:
    alerts = tuple(an_alert(STEP, text=STEP.nonce, time=T0 + n / 100, seen=T0 + 1 + n / 100) for n in range(MOST + 5))
    [found] = read(ocsf(a_result(a_control(STEP), a_trial(STEP, alerts=alerts))))
    assert (found["count"], len(found["evidences"])) == (MOST + 5, MOST)
    assert (found["start_time"], found["time"]) == (T0 * 1000, (T0 + 1) * 1000)


def test_two_false_alarms_of_one_rule_are_two_findings() -> None:
    result = a_demo_result()
    alarm = FalseAlarm("defended-1", "suricata", "2200003", "", (), None, (0,), known="looked at")
    cards = (result.scorecards[0], replace(result.scorecards[1], false_alarms=(alarm, alarm)))
    found = [one for one in read(ocsf(replace(result, scorecards=cards))) if one["status"] == "Suppressed"]
    assert [one["unmapped"]["jointrange"]["known"] for one in found] == ["looked at", "looked at"]


@given(st.text(), st.text(), st.text())
def test_hostile_words_stay_words(title: str, raw: str, severity: str) -> None:
    alert = an_alert(STEP, text=STEP.nonce, title=title, raw=raw, severity=severity)
    [found] = read(ocsf(a_result(a_control(STEP), a_trial(STEP, alerts=(alert,)))))
    assert found["evidences"][0]["data"]["raw"] == raw
