"""A campaign: one topology, one scenario, several arms, and the gates that decide. The unit of CI.

Knows: which trials there are and what must hold of their verdicts.
Must never: run anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator

from range.scenario import StepId
from range.topology import Duration, Model, Name, seconds

SCHEMA = "jointrange.campaign/1"
CONTROL = "control"
"""The arm without any tool. Without it there is no verdict."""


Level = Literal["try", "pr", "nightly", "release"]
Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
"""Labels of the Traffic Light Protocol 2.0: with whom something may be shared."""

Percent = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Depth:
    """How deep a level looks: trials of an arm, seconds of benign-only time of an arm, reruns of a step in doubt."""

    trials: int
    benign: float
    reruns: int


LEVELS: Mapping[Level, Depth] = {
    "try": Depth(1, 10, 0),
    "pr": Depth(1, 15 * 60, 4),
    "nightly": Depth(5, 8 * 3600, 4),
    "release": Depth(10, 24 * 3600, 0),
}


class NoRegression(Model):
    """No step may be noticed less than under another arm, which must have tools. Without it nothing passes."""

    versus: Name = "previous"
    alpha: float = Field(0.05, gt=0, lt=1, description="Family-wise error over all steps (Holm)")


class Within(Model):
    """How soon how many of the steps must be noticed."""

    time: Duration
    share: Percent = 0.9


class Gates(Model):
    """What must hold in every arm but control. Shares and rates pass by the bound of their interval, not by the point.

    A gate passes when the whole 95 % one-sided interval is on the good side, fails when it is on the bad side, and
    is `insufficient` in between.
    """

    must_notice: tuple[StepId, ...] = Field((), description="Steps that must be blocked or detected")
    must_block: tuple[StepId, ...] = Field((), description="Steps that must be blocked")
    noticed_min: Percent | None = Field(None, description="Share of steps blocked or detected")
    blocked_min: Percent | None = Field(None, description="Share of steps blocked")
    benign_min: Percent = Field(0.9, description="Share of benign requests that must still be served")
    false_alarms_per_hour_max: float | None = Field(None, gt=0, description="In benign-only time")
    noticed_within: Within | None = None
    no_regression: NoRegression | None = None
    expectations: bool = Field(True, description="Every rule a step expects must alert, and none it forbids")
    inconclusive_max: Percent = Field(0.34, description="Share of inconclusive verdicts above which nothing is decided")
    ambiguous_max: Percent = Field(0.05, description="The same for alerts that could be about several actions")
    drops_max: Percent = Field(0.001, description="Share of its input that a sensor may lose")
    null_alerts_max: int = Field(0, ge=0, description="Alerts about steps that do nothing: alarms about the harness")


class Known(Model):
    """A false alarm somebody has looked at. Not counted until it expires; afterwards a gate fails."""

    tool: str
    rule: str
    reason: str
    owner: str
    expires: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Weights(Model):
    """How much each part counts in one total. Without this nothing is ever blended."""

    noticed: float = Field(0, ge=0)
    blocked: float = Field(0, ge=0)
    benign: float = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the trials of a campaign are judged by, and how many there are to be: all that judging needs of it."""

    gates: Gates
    trials: int = 1
    reruns: int = 0
    tag_mismatch: Literal["general", "reject"] = "general"
    known: tuple[Known, ...] = ()
    weights: Weights | None = None


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
    level: Level = Field("try", description="How deep to look; sets the three below")
    trials: int | None = Field(None, ge=1, le=100, description="Trials of each arm")
    benign_window: Duration | None = Field(None, description="Benign-only time of each arm, over all its trials")
    reruns: int | None = Field(None, ge=0, le=20, description="How often a step that fell short is run again")
    benign: str | None = Field(None, description="A benign profile beside the scenario's own benign activity")
    tlp: Tlp = Field("amber", description="With whom its results may be shared (TLP 2.0)")
    seed: int = Field(0, ge=0, lt=2**53, description="Every random choice follows from it")
    budget: Duration | None = Field(None, description="After this time no trial is begun")
    quiet: bool = Field(False, description="One trial at a time: for what is measured in seconds or processor time")
    tag_mismatch: Literal["general", "reject"] = Field(
        "general", description="Whether an alert at the step's time and place that names another technique counts"
    )
    known_false_alarms: tuple[Known, ...] = ()
    weights: Weights | None = None
    gates: Gates = Field(default_factory=Gates)

    @field_validator("arms")
    @classmethod
    def _has_a_control(cls, arms: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if arms.get(CONTROL) != ():
            raise ValueError("an arm `control: []` is needed: without it a blocked step proves nothing")
        if len(arms) < 2:
            raise ValueError("name at least one arm with tools beside `control`")
        return arms

    @property
    def depth(self) -> Depth:
        """The level's depth, with what this file says itself."""
        level = LEVELS[self.level]
        return Depth(
            trials=self.trials or level.trials,
            benign=level.benign if self.benign_window is None else seconds(self.benign_window),
            reruns=level.reruns if self.reruns is None else self.reruns,
        )

    @property
    def rules(self) -> Rules:
        """What its trials are judged by."""
        depth = self.depth
        return Rules(
            gates=self.gates,
            trials=depth.trials,
            reruns=depth.reruns,
            tag_mismatch=self.tag_mismatch,
            known=self.known_false_alarms,
            weights=self.weights,
        )
