"""How a tool or a scenario names a place: by role or label, so that it fits every topology that has one.

Knows: what matches. Must never: name a node of one particular topology.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, model_validator

from range.layout import Layout, NodeSpec, Segment
from range.topology import Labels, Model, Name


class Selector(Model):
    """Matches what has this role and all of these labels."""

    role: Name | None = None
    labels: Labels = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> Selector:
        if self.role is None and not self.labels:
            raise ValueError("say a `role` or at least one label")
        return self

    def __str__(self) -> str:
        words = [f"role {self.role}"] if self.role else []
        words += [f"label {key}={value}" for key, value in sorted(self.labels.items())]
        return " and ".join(words)

    def matches(self, role: str | None, labels: Iterable[tuple[str, str]]) -> bool:
        """Whether something with this role and these labels is meant."""
        return (self.role is None or self.role == role) and set(self.labels.items()) <= set(labels)

    def nodes(self, layout: Layout) -> tuple[NodeSpec, ...]:
        """The nodes meant, in the layout's order; maybe none."""
        return tuple(node for node in layout.nodes if self.matches(node.role, node.labels))

    def segments(self, layout: Layout) -> tuple[Segment, ...]:
        """The networks meant, in the layout's order; maybe none."""
        return tuple(segment for segment in layout.segments if self.matches(segment.role, segment.labels))
