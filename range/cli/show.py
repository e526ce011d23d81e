"""How values look in words: plans, ages, impairments. Pure.

Knows: wording. Must never: print.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from range.plan import CreateNode, Plan, RemoveNode, StartNode, Wire
from range.topology import Impairment


def plan_lines(stages: Sequence[Sequence[str]], *, done: bool = False) -> tuple[str, ...]:
    """A plan's stages one after the other; once they are `done`, what was not there is new."""
    return tuple(line.replace("there is none yet", "new") if done else line for stage in stages for line in stage)


def plan_data(plan: Plan) -> dict[str, object]:
    """A plan for programs: each change with its kind, what it is about, and its cause."""
    changes = []
    for change in plan.changes:
        about: str | list[str] = ""
        if isinstance(change, CreateNode | StartNode):
            about = change.node.name
        elif isinstance(change, RemoveNode):
            about = change.node
        elif isinstance(change, Wire):
            about = list(change.nodes)
        changes.append({"change": type(change).__name__, "about": about, "cause": change.cause})
    return {"range_id": plan.range_id, "empty": plan.empty, "changes": changes}


def age(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def when(seconds: float, *, none: str = "never") -> str:
    """A moment in UTC, `2026-11-23 14:30`; or the word for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else none


def size(amount: float) -> str:
    """Bytes as people read them: `512 B`, `1.5 GiB`."""
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if amount >= bytes_:
            return f"{amount / bytes_:.1f} {unit}"
    return f"{amount:.0f} B"


def impairment(impair: Impairment | None, *, none: str = "none") -> str:
    """`rate 1mbit, delay 20ms`, or the word for none."""
    if impair is None:
        return none
    return ", ".join(f"{key} {value}" for key, value in impair.model_dump(exclude_none=True).items()) or none


def count(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number} {noun}{'s' * (number != 1)}"
