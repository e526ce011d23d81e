"""What an import is made of: documents in, items out.

Knows: the shape of both, and what the caller may say for tests that do not say it themselves.
Must never: know a format.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from range.scenario import Effect, Step
from range.selector import Selector

Kind = Literal["atomic", "ftw", "caldera", "ctid", "replay"]
Outcome = Literal["taken", "limited", "refused"]

UNKNOWN = Effect(run="exit 2", on="source")
"""The proof of a step that nobody knows how to prove: its effect stays unknown."""
BY_EXIT = Effect(run='[ "$STEP_EXIT" = 0 ]', on="source")
"""The weakest proof: the command ended with 0."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain values. `beside`: size in bytes of every file in its folder and below, by relative path."""

    file: str
    value: object
    beside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the caller says for tests that do not say it: where from, whereto, and the ATT&CK technique."""

    from_: Selector | None = None
    target: Selector | None = None
    technique: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One test and what became of it.

    `name` is its identity in its own project, `digest` the sha256 of its canonical form. `limits` are what was not
    taken of it, `refused` why nothing was. `files`: file to lie beside the scenario -> file beside the document.
    """

    name: str
    title: str
    file: str
    kind: Kind
    step: Step | None = None
    limits: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    digest: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """Refused unless there is a step."""
        if self.step is None:
            return "refused"
        return "limited" if self.limits else "taken"


def digest(value: object) -> str:
    """The sha256 of a plain value in canonical form (JSON, keys sorted, no spaces), as hex."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def step_of(values: Mapping[str, object]) -> tuple[Step | None, tuple[str, ...]]:
    """The step with these keys as a scenario file has them, without those that are None; or what is wrong with it."""
    try:
        return Step.model_validate({key: value for key, value in values.items() if value is not None}), ()
    except ValidationError as error:
        wrong = ((".".join(str(part) for part in one["loc"]) or "step", one["msg"]) for one in error.errors())
        return None, tuple(f"`{where}`: {what}" for where, what in wrong)


def step_id(*words: object) -> str:
    """A step's id out of words: lower case, digits and hyphens, at most 60 characters, beginning with a letter."""
    text = re.sub(r"[^a-z0-9]+", "-", "-".join(str(word) for word in words).lower()).strip("-")
    return (text if text[:1].isalpha() else f"x-{text}")[:60].rstrip("-")


def mapping(value: object) -> Mapping[str, object]:
    """The value when it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[object]:
    """The value when it is a list, nothing for None, else a list of it alone."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text(value: object) -> str:
    """A scalar as text; empty for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
