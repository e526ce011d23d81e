"""A campaign: one topology, one scenario, several arms, and the gates that decide. The unit of CI.

Knows: which trials there are and what must hold of their verdicts.
Must never: run anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from range.scenario import StepId
from range.topology import Model, Name

SCHEMA = "jointrange.campaign/1"
CONTROL = "control"
"""The arm without any tool. Without it there is no verdict."""


class Gates(Model):
    """What must hold in every arm but control."""

    must_notice: tuple[StepId, ...] = Field((), description="Steps that must be blocked or detected")
    must_block: tuple[StepId, ...] = Field((), description="Steps that must be blocked")
    noticed_min: float = Field(0.0, ge=0, le=1, description="Share of conclusive steps blocked or detected")
    benign_min: float = Field(0.9, ge=0, le=1, description="Share of benign actions that must still go through")
    inconclusive_max: float = Field(0.34, ge=0, le=1, description="Above this share nothing is decided")


class Campaign(Model):
    """A campaign file."""

    schema_: Literal["jointrange.campaign/1"] = Field(alias="schema")
    name: Name
    title: str = ""
    topology: str = Field(description="A bundled topology's name, or a path beside this file")
    scenario: str = Field(description="A bundled scenario's name, or a path beside this file")
    arms: dict[Name, tuple[str, ...]] = Field(
        description="Arm -> tools: bundled names, or paths beside this file. `control` has none"
    )
    trials: int = Field(1, ge=1, le=100, description="Trials of each arm")
    gates: Gates = Field(default_factory=Gates)

    @field_validator("arms")
    @classmethod
    def _has_a_control(cls, arms: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if arms.get(CONTROL) != ():
            raise ValueError("an arm `control: []` is needed: without it a blocked step proves nothing")
        if len(arms) < 2:
            raise ValueError("name at least one arm with tools beside `control`")
        return arms
