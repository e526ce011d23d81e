"""A tool: a defence prototype under test, as its manifest `tool.yaml` describes it.

Knows: where a tool goes, how it is installed and configured, where its alerts appear, and the canary that
proves it is alive.
Must never: read a file, run a playbook, or name a node of one topology.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from range.selector import Selector
from range.topology import Capability, Duration, InterfaceName, Limits, Model, Name, NodeDefaults

SCHEMA = "jointrange.tool/1"

TechniqueId = Annotated[str, StringConstraints(pattern=r"^T[0-9]{4}(\.[0-9]{3})?$")]


class Inline(Model):
    """Between a network and the nodes it protects, on layer 2: the tool forwards, or nobody does."""

    network: Selector
    protects: Selector
    outer: InterfaceName = "outer"
    inner: InterfaceName = "inner"


class Place(Model):
    """Where the tool goes; exactly one of the three."""

    on: Selector | None = Field(None, description="Onto every node matched: the tool's playbooks run there")
    tap: Selector | None = Field(None, description="Becomes a node with a tap (`mon0`, ...) of every match")
    inline: Inline | None = Field(None, description="Becomes a node between a network and what it protects")

    @model_validator(mode="after")
    def _exactly_one(self) -> Place:
        if sum(place is not None for place in (self.on, self.tap, self.inline)) != 1:
            raise ValueError("say exactly one of `on`, `tap` and `inline`")
        return self


class Needs(Model):
    """What the tool needs of the nodes it is put on, beyond what the topology gives them."""

    capabilities: tuple[Capability, ...] = ()
    limits: Limits | None = None
    env: dict[str, str] = Field(default_factory=dict)


class AlertSource(Model):
    """A file in the tool's nodes in which alerts appear, one a line, and how to read it."""

    name: Name
    path: str = Field(pattern=r"^/\S+$")
    format: Literal["eve", "modsecurity", "syslog", "jsonlines", "zeek", "falco", "wazuh", "ocsf", "sigma"]
    telemetry: bool = Field(False, description="Its lines are records of what happened, and claim nothing")
    rules: tuple[str, ...] = Field((), description="sigma: rule files beside the manifest")
    pattern: str | None = Field(None, description="syslog: a regular expression with named groups")
    fields: dict[str, str] = Field(
        default_factory=dict, description="jsonlines: alert field -> dotted path in the object"
    )
    constants: dict[str, str] = Field(
        default_factory=dict, description="Alert fields that every line of this source has"
    )


class Canary(Model):
    """Something the tool must see. Seen before and after the attack, or nobody may say `missed`."""

    from_: Selector = Field(alias="from")
    target: Selector
    run: str = Field(description="Shell; $TARGET, $NONCE and the rest of a step's environment are set")
    rule: str = Field(description="The rule of the alert it must raise (compared as a whole)")
    timeout: Duration = "30s"


class Health(Model):
    """How anyone can tell that the tool works as it should, in each of its nodes."""

    process: str | None = Field(None, description="The name of a process that must be there throughout")
    counters: str | None = Field(
        None, description="Shell; prints `packets N` and `drops N`, counted since the tool's start"
    )
    config: tuple[str, ...] = Field((), description="Files and folders whose content is the tool's configuration")


class Tool(Model):
    """A tool manifest."""

    schema_: Literal["jointrange.tool/1"] = Field(alias="schema")
    name: Name
    title: str
    version: str = "0"
    place: Place
    node: NodeDefaults | None = Field(None, description="The node it becomes (for `tap` and `inline`)")
    needs: Needs = Field(default_factory=Needs)
    install: str | None = Field(None, description="Playbook run once, in a builder, cached as an image")
    configure: str | None = Field(None, description="Playbook run in every live range")
    vars: dict[str, str | int | float | bool] = Field(default_factory=dict)
    alerts: tuple[AlertSource, ...] = ()
    canary: Canary | None = None
    health: Health = Field(default_factory=Health)

    @model_validator(mode="after")
    def _place_fits(self) -> Tool:
        if self.place.on is None and (self.node is None or self.node.image is None):
            raise ValueError("a tool that becomes a node needs `node.image`")
        if self.place.on is not None and self.node is not None:
            raise ValueError("`node` is for tools that become a node; use `needs` for the nodes it is put on")
        return self
