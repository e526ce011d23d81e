"""Impairments a kernel cannot make are refused with the reason; the others pass."""

from __future__ import annotations

import pytest

from range.errors import Refused
from range.impairing import needs_netem, refuse_without_netem
from range.ports import Capabilities
from range.topology import Impairment


@pytest.mark.parametrize(
    ("impair", "needed"),
    [
        (None, False),
        (Impairment(), False),
        (Impairment(rate="1mbit"), False),
        (Impairment(loss=0), False),
        (Impairment(delay="20ms"), True),
        (Impairment(jitter="1ms"), True),
        (Impairment(loss=0.1), True),
        (Impairment(rate="1mbit", delay="20ms"), True),
    ],
)
def test_delay_jitter_and_loss_need_netem(impair: Impairment | None, needed: bool) -> None:
    assert needs_netem(impair) is needed


def test_a_kernel_that_can_is_not_refused() -> None:
    refuse_without_netem(Capabilities("docker", "20.10", 2, 1 << 30, netem=True), "web:eth0")


@pytest.mark.parametrize(
    ("missing", "why"), [((("netem", "Unknown qdisc"),), "Unknown qdisc"), ((), "the kernel has no sch_netem")]
)
def test_a_kernel_that_cannot_is_told_where_and_why(missing: tuple[tuple[str, str], ...], why: str) -> None:
    with pytest.raises(Refused) as caught:
        refuse_without_netem(Capabilities("docker", "20.10", 2, 1 << 30, netem=False, missing=missing), "web:eth0")
    assert str(caught.value).startswith("web:eth0: ")
    assert why in str(caught.value)
    assert "`rate` alone" in caught.value.hint
