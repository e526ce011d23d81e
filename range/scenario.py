"""A scenario: attack steps with proofs of effect, and the benign activity beside them.

Knows: what is done, from where, to whom, and how anyone can tell that it worked.
Must never: run anything, or name a node of one topology.

Environment of every command (step, proof, clean-up, benign, canary), besides the node's own:
    NONCE     a word that is new for each action of each trial; send it where a sensor could echo it
    SOURCE    the source node's address        SOURCE_NAME   its name
    TARGET    the target node's address        TARGET_NAME   its name
    STEP      the action's id                  SCRATCH       a directory of this action, in its node
    SEED      a whole number from the campaign's seed: every choice a command makes by chance comes from it
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


Channel = Literal["header", "uri", "user-agent", "body", "dns", "banner", "user", "env", "file"]


class Expect(Model):
    """Rules of the defender by name, as regression tests of rules have them (go-ftw, suricata-verify)."""

    rules: tuple[str, ...] = Field((), description="An alert about this step must come from each of these")
    never: tuple[str, ...] = Field((), description="No alert about this step may come from any of these")


class Step(Model):
    """One thing an attacker does. Exactly one of `run` and `replay`."""

    id: StepId
    title: str
    technique: TechniqueId
    tactic: str | None = Field(None, description="For people; never matched on")
    from_: Selector = Field(alias="from")
    target: Selector
    prepare: str | None = Field(
        None, description="Shell, in the source node, before `run`; unless it ends with 0 the step is not run"
    )
    run: str | None = Field(None, description="Shell, in the source node")
    replay: str | None = Field(None, description="A pcap beside this file, played into the source node's network")
    shell: Literal["sh", "bash"] = Field("sh", description="Which shell runs `run`, word for word")
    payloads: dict[str, str] = Field(
        default_factory=dict, description="Path in the source node -> file beside this one, put there before"
    )
    timeout: Duration = "30s"
    effect: Effect
    nonce: tuple[Channel, ...] = Field((), description="Where the step shows its $NONCE")
    telemetry: str = Field("", description="What a defender could see of it, for people")
    captured: bool | None = Field(
        None, description="Whether the capture must show it; when absent: if source and target differ"
    )
    expect: Expect | None = None
    cleanup: str | None = Field(None, description="Shell, in the source node; always attempted")
    requires: tuple[StepId, ...] = Field((), description="Steps whose effect this one builds on")
    window: Duration = Field("10s", description="How long after its end an alert may still count")
    weight: float = Field(1.0, gt=0, le=100, description="How much it counts in weighted coverage")

    @model_validator(mode="after")
    def _one_way(self) -> Step:
        if (self.run is None) == (self.replay is None):
            raise ValueError("say exactly one of `run` and `replay`")
        return self


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
    every: Duration = Field("2s", description="The pause after each")
    pace: Literal["steady", "random"] = Field(
        "steady", description="random: pauses of a Poisson process with the mean `every`, from the campaign's seed"
    )
    timeout: Duration = "10s"


class Profile(Model):
    """A benign profile: what ordinary users do, for any scenario. A file of its own."""

    schema_: Literal["jointrange.benign/1"] = Field(alias="schema")
    name: Name
    title: str
    description: str = ""
    benign: tuple[Benign, ...] = Field(min_length=1)


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
    block: int = Field(10, ge=1, le=1000, description="Steps between two canaries")
    attack: str = Field("18", description="The ATT&CK version its technique ids are of")

    def flat(self) -> tuple[Step, ...]:
        """Every step, in the order written, groups opened."""
        return tuple(step for item in self.steps for step in (item.parallel if isinstance(item, Parallel) else (item,)))
