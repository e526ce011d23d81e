"""Names and labels: how every object of ours is recognised, from the engine alone.

Knows: the label keys, and how a range and a node become a container name.
Must never: talk to the engine. Destroying and sweeping need nothing but these.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.engine import owners
from range.plan import Ownership

KIND = "jointrange.kind"
"""node, fabric or builder."""
INSTANCE = "jointrange.instance"
RANGE = "jointrange.range"
NODE = "jointrange.node"
SPEC = "jointrange.spec"
TOPOLOGY = "jointrange.topology"
OWNER = "jointrange.owner"
KEPT = "jointrange.kept"
CREATED = "jointrange.created"

FABRIC_NODE = "fabric"


def container_name(instance: str, range_id: str, node: str) -> str:
    """A container's name. Deterministic, so that creating twice is adopting."""
    prefix = "jr" if instance == "default" else f"jr-{instance}"
    return f"{prefix}.{range_id}.{node}"


def of(range_id: str, ownership: Ownership, kind: str, node: str, spec: str = "") -> dict[str, str]:
    """The labels of one object."""
    return {
        KIND: kind,
        INSTANCE: ownership.instance,
        RANGE: range_id,
        NODE: node,
        SPEC: spec,
        TOPOLOGY: ownership.topology,
        OWNER: ownership.owner,
        KEPT: "yes" if ownership.kept else "no",
        CREATED: f"{ownership.created:.3f}",
    }


def left(labels: Mapping[str, str], mine: str, now: float) -> bool:
    """Whether what carries these labels, made for a while, is nobody's any more; `mine`: who asks (owners.left)."""
    return owners.left(labels.get(OWNER, ""), float(labels.get(CREATED) or 0), mine, now)


def ownership(labels: Mapping[str, str]) -> Ownership:
    """What the labels say about who made the object."""
    return Ownership(
        instance=labels.get(INSTANCE, ""),
        owner=labels.get(OWNER, ""),
        topology=labels.get(TOPOLOGY, ""),
        kept=labels.get(KEPT) == "yes",
        created=float(labels.get(CREATED) or 0),
    )
