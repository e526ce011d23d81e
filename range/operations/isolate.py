"""Isolate: look into every node of a live range, and have the answer judged.

Knows: what is asked. Must never: judge (range/isolation.py does), or send a packet.
"""

from __future__ import annotations

from range.isolation import judge
from range.layout import Layout
from range.ledger import Isolation
from range.ports import Clock, Switchboard


def isolate(range_id: str, layout: Layout, switchboard: Switchboard, clock: Clock) -> Isolation:
    """The isolation proof of a range, as evidence. Raises RangeError when nobody can look."""
    outside = switchboard.outside()
    return judge(layout, switchboard.facts(range_id, outside), outside, clock.now())
