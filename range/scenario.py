"""A scenario: attack steps with proofs of effect, and the benign activity beside them.

Knows: what is done, from where, to whom, and how anyone can tell that it worked.
Must never: run anything, or name a node of one topology.

Environment of every command (step, proof, clean-up, benign, canary), besides the node's own:
    NONCE     a word that is new for each action of each trial; send it where a sensor could echo it
    SOURCE    the source node's address        SOURCE_NAME   its name
    TARGET    the target node's address        TARGET_NAME   its name
    STEP      the action's id                  SCRATCH       a directory of this action, in its node
Every node and every role that only one node plays is a host name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from range.selector import Selector
from range.tool import TechniqueId
from range.topology import Duration, Model, Name

SCHEMA = "jointrange.scenario/1"

StepId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]


class Effect(Model):
    """How anyone can tell that a step worked. Exactly one of `output` and `run`.

    `output`: a regular expression found in what the step printed, for a value read from the target.
    `run`: a shell command on a node: 0 is achieved, 1 is absent, anything else is unknown.
    """

    output: str | None = None
    run: str | None = None
    on: Literal["source", "target"] = "target"
    timeout: Duration = "10s"

    @model_validator(mode="after")
    def _exactly_one(self) -> Effect:
        if (self.output is None) == (self.run is None):
            raise ValueError("say exactly one of `output` and `run`")
        return self


class Step(Model):
    """One thing an attacker does."""

    id: StepId
    title: str
    technique: TechniqueId
    tactic: str | None = Field(None, description="For people; never matched on")
    from_: Selector = Field(alias="from")
    target: Selector
    run: str = Field(description="Shell, in the source node")
    timeout: Duration = "30s"
    effect: Effect
    cleanup: str | None = Field(None, description="Shell, in the source node; always attempted")
    requires: tuple[StepId, ...] = Field((), description="Steps whose effect this one builds on")
    window: Duration = Field("10s", description="How long after its end an alert may still count")


class Parallel(Model):
    """Steps that run at the same time."""

    parallel: tuple[Step, ...] = Field(min_length=2)


class Benign(Model):
    """Something ordinary users do, beside the attack, again and again."""

    id: StepId
    title: str
    from_: Selector = Field(alias="from")
    target: Selector
    run: str
    every: Duration = "2s"
    timeout: Duration = "10s"


class Scenario(Model):
    """A scenario file."""

    schema_: Literal["jointrange.scenario/1"] = Field(alias="schema")
    name: Name
    title: str
    description: str = ""
    steps: tuple[Step | Parallel, ...] = Field(min_length=1)
    benign: tuple[Benign, ...] = ()
    gap: Duration = Field("1s", description="Pause between steps, so that alerts do not mix")
    settle: Duration = Field("3s", description="Wait after the last step, before the last canaries")

    def flat(self) -> tuple[Step, ...]:
        """Every step, in the order written, groups opened."""
        return tuple(step for item in self.steps for step in (item.parallel if isinstance(item, Parallel) else (item,)))
