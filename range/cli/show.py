"""How values look in words: plans, ages, impairments. Pure.

Knows: wording. Must never: print.
"""

from __future__ import annotations

from datetime import UTC, datetime

from range.plan import Complete, CreateFabric, CreateNode, Plan, RemoveFabric, RemoveNode, StartNode, Wire
from range.topology import Impairment


def plan_lines(plan: Plan, *, done: bool = False) -> list[str]:
    """One line a change, in order, with its cause. The last bookkeeping change is left out."""
    lines = []
    for change in plan.changes:
        match change:
            case CreateFabric(cause=cause):
                lines.append(f"+ fabric ({cause})")
            case CreateNode(node=node, cause=cause):
                lines.append(f"+ node {node.name} from {node.image} ({cause})")
            case RemoveNode(node=name, cause=cause):
                lines.append(f"- node {name} ({cause})")
            case RemoveFabric(cause=cause):
                lines.append(f"- fabric ({cause})")
            case Wire(nodes=nodes, layout=layout, cause=cause):
                cables = sum(len(layout.node(name).interfaces) for name in nodes)
                lines.append(f"~ wire {cables} cables of {len(nodes)} nodes ({cause})")
            case StartNode(node=node, cause=cause):
                if node.start or node.ready:
                    lines.append(f"> start {node.name} ({cause})")
            case Complete():
                continue
    return [line.replace("there is none yet", "new") for line in lines] if done else lines


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
