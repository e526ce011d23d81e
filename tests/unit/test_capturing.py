"""A filter is a filter: what could be an option of the program that captures never gets there."""

from __future__ import annotations

import pytest

from range.capturing import check_filter, not_understood
from range.errors import Refused


@pytest.mark.parametrize(
    "bpf", ["", "tcp port 80", "not host 10.0.0.1", "ether[0] & 1 = 0 and ip[2:2] - 4 > 8", "icmp6"]
)
def test_a_filter_passes(bpf: str) -> None:
    check_filter(bpf)


@pytest.mark.parametrize("bpf", ["-w/tmp/x", "-F/etc/shadow", "-r/x", "-V/x", "--", "-", " -w/tmp/x", "\t-w/tmp/x"])
def test_an_option_is_refused(bpf: str) -> None:
    with pytest.raises(Refused, match="begins with `-`") as caught:
        check_filter(bpf)
    assert bpf in str(caught.value)
    assert "pcap-filter" in caught.value.hint


@pytest.mark.parametrize("bpf", ["tcp\0", "tcp\nport 80", "tcp \x1b[31m"])
def test_what_no_command_line_holds_is_refused(bpf: str) -> None:
    with pytest.raises(Refused, match="cannot be printed") as caught:
        check_filter(bpf)
    assert str(caught.value).isprintable()


def test_what_was_not_understood_is_named() -> None:
    refusal = not_understood("tcp prt", "syntax error")
    assert str(refusal) == "the filter `tcp prt` cannot be used: syntax error"
    assert "pcap-filter" in refusal.hint
