"""Impairments against what a kernel can do: refused with the reason, never ignored.

Knows: which impairments need sch_netem. Must never: ask a kernel (ports.Capabilities is the answer).
"""

from __future__ import annotations

from range.errors import Refused
from range.ports import Capabilities
from range.topology import Impairment


def needs_netem(impair: Impairment | None) -> bool:
    """Whether the kernel needs sch_netem for it."""
    return impair is not None and any((impair.delay, impair.jitter, impair.loss))


def refuse_without_netem(able: Capabilities, where: str) -> None:
    """Raise Refused when delay, jitter or loss is asked of a kernel that cannot."""
    if not able.netem:
        why = dict(able.missing).get("netem", "the kernel has no sch_netem")
        raise Refused(
            f"{where}: delay, jitter and loss cannot be made here: {why}",
            hint="use `rate` alone, load the sch_netem module, or run on a kernel that has it (`jointrange doctor`)",
        )
