"""Bodies about runs and events.

Knows: names, types and limits of JSON. Must never: know rows, or decide anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from range.rows import RunStatus
from range.wire.documents import Upload
from range.wire.shared import Body, Duration, Flag, Reference, Trouble, Whole


class RunRequest(Body):
    """A campaign to run: by reference, or `upload` with a new one. The options are those of `jointrange run`."""

    campaign: Reference | None = None
    upload: Upload | None = None
    project: str = ""
    level: Literal["try", "pr", "nightly", "release"] | None = None
    trials: Annotated[Whole, Field(ge=1, le=100)] | None = None
    benign_window: Duration | None = None
    seed: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None
    fresh: Flag = False


class RunView(Body):
    """A run. `decision`: pass, fail or insufficient once it is done; `exit`: what `jointrange run` would end with."""

    id: str
    org: str
    project: str
    campaign: str
    digest: str
    actor: str
    status: RunStatus
    step: str
    reason: str
    run: str
    level: str
    done: int
    total: int
    decision: str
    reasons: tuple[str, ...]
    exit: int | None
    created: float
    started: float
    ended: float
    queue: int = 0
    expected: float = 0
    files: tuple[str, ...] = ()
    problem: Trouble | None = None


class VerdictView(Body):
    """One step in one arm: what is decided and why. One row for each trial it was judged in."""

    arm: str
    trial: int
    step: str
    technique: str
    title: str
    label: str
    reason: str
    tools: tuple[str, ...] = ()
    seconds: float | None = None


class RescoreView(Body):
    """The same evidence, judged by the version that is running now."""

    equal: bool
    decision: str
    version: str
    differences: tuple[str, ...] = ()


class EventView(Body):
    """One event; over SSE its `seq` is the id. docs/api.md lists the types and their data."""

    seq: int
    at: float
    subject: str
    type: str
    data: dict[str, Any]
