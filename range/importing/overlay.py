"""The overlay: what we add to tests of other projects, which carry no proof of effect.

Knows: its keys. A test is named by the identity it has in its own project: a GUID, an ability's id, `942100-1`.
Must never: hold a command of such a test.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from range.scenario import Channel, Effect
from range.selector import Selector
from range.tool import TechniqueId
from range.topology import Capability, Duration, Model, Name

SCHEMA = "jointrange.overlay/1"

Value = str | int | float


class Entry(Model):
    """What is known here about one test."""

    effect: Effect | Literal["exit_code"] | None = Field(
        None, description="The proof; `exit_code` takes an end with 0 for one; when absent the effect stays unknown"
    )
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="Of the test's canonical form; another one is refused"
    )
    fixtures: str | None = Field(None, description="Shell, in the source node, before the test's own prerequisites")
    peers: dict[str, Name] = Field(
        default_factory=dict, description="Host name the test is written for -> host name in the range"
    )
    arguments: dict[str, Value] = Field(
        default_factory=dict, description="Input argument or fact -> value, in place of the test's own default"
    )
    caps: tuple[Capability, ...] = Field((), description="Capabilities its node must have; the topology gives them")
    technique: TechniqueId | None = Field(None, description="For formats that name none")
    telemetry: str = Field("", description="What a defender could see of it, for people")
    nonce: tuple[Channel, ...] = Field((), description="Where the test shows its $NONCE")
    window: Duration | None = Field(None, description="How long after its end an alert may still count")
    timeout: Duration | None = None
    idempotent: bool = Field(True, description="false: it cannot run twice in one range, and is marked so")
    safe: Literal["lab", "deny"] | None = Field(
        None, description="lab: somebody read it, and the doubts that may be lifted are; deny: never take it"
    )
    from_: Selector | None = Field(None, alias="from")
    target: Selector | None = None


class Overlay(Model):
    """An overlay file."""

    schema_: Literal["jointrange.overlay/1"] = Field("jointrange.overlay/1", alias="schema")
    attack: str = Field("18", description="The ATT&CK version the technique ids are of")
    facts: dict[str, Value] = Field(default_factory=dict, description="Facts for every ability (CALDERA)")
    tests: dict[str, Entry] = Field(default_factory=dict, description="Identity of a test -> what is known about it")

    def entry(self, name: str) -> Entry:
        """What is known about a test; an empty entry for one that is not named."""
        return self.tests.get(name) or Entry()
