"""Lines read by a regular expression. The sample was written by fail2ban 1.1 from Debian 13."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import syslog
from range.tool import AlertSource

SAMPLES = (Path(__file__).parent / "samples" / "fail2ban.txt").read_text().splitlines()
SOURCE = AlertSource(
    name="fail2ban",
    path="/var/log/fail2ban.log",
    format="syslog",
    pattern=r"^(?P<time>\S+ \S+) fail2ban\.actions .*\[(?P<rule>[^]]+)\] Ban (?P<src>\S+)$",
    constants={"disposition": "blocked", "technique": "T1110", "proto": "TCP", "title": "Banned"},
)
SEEN = 1_795_444_214.9


def parse(line: str, source: AlertSource = SOURCE) -> Alert | Malformed | None:
    return syslog.parse(line, source, tool="fail2ban", node="web", seen=SEEN)


def with_pattern(pattern: str | None) -> AlertSource:
    return SOURCE.model_copy(update={"pattern": pattern})


def test_a_ban_as_fail2ban_writes_it() -> None:
    found, ban, unban = (parse(line) for line in SAMPLES)
    assert found is None
    assert unban is None
    assert isinstance(ban, Alert)
    assert (ban.rule, ban.title, ban.node) == ("sshd", "Banned", "web")
    assert ban.time == pytest.approx(1_795_444_214.857)
    assert (ban.src, ban.dst) == (Endpoint("198.51.100.7"), Endpoint())
    assert (ban.disposition, ban.techniques, ban.proto) == ("blocked", ("T1110",), "tcp")
    assert ban.raw == ban.text == SAMPLES[1]


def test_without_a_time_or_a_rule_the_line_is_from_now_and_the_rule_is_the_source() -> None:
    alert = parse("blocked 192.0.2.1:99", with_pattern(r"blocked (?P<src>[^:]+):(?P<src_port>\d+)"))
    assert isinstance(alert, Alert)
    assert (alert.time, alert.rule, alert.title) == (SEEN, "fail2ban", "Banned")
    assert alert.src == Endpoint("192.0.2.1", 99)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (SAMPLES[1].replace("198.51.100.7", "somebody"), "`src` is not an address: 'somebody'"),
        (SAMPLES[1].replace("2026-11-23", "2026-99-23"), "no such time"),
    ],
)
def test_a_match_with_an_unreadable_field_is_kept_with_the_reason(line: str, reason: str) -> None:
    found = parse(line)
    assert isinstance(found, Malformed)
    assert reason in found.reason


def test_a_wrong_pattern_is_malformed_and_none_at_all_matches_nothing() -> None:
    found = parse(SAMPLES[1], with_pattern("("))
    assert isinstance(found, Malformed)
    assert "the pattern is wrong" in found.reason
    assert parse(SAMPLES[1], with_pattern(None)) is None


def test_a_group_that_took_no_part_leaves_the_constant() -> None:
    alert = parse("x", with_pattern(r"x(?P<disposition>y)?"))
    assert isinstance(alert, Alert)
    assert alert.disposition == "blocked"


EVERYTHING = with_pattern(r"(?s)(?P<time>.*?)\|(?P<src>.*?)\|(?P<src_port>.*?)\|(?P<severity>.*?)\|(?P<technique>.*)")


@given(st.lists(st.text(), min_size=5, max_size=5).map("|".join))
def test_no_field_makes_it_raise(line: str) -> None:
    assert isinstance(parse(line, EVERYTHING), Alert | Malformed)
