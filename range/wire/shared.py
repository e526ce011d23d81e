"""What every body shares: names, the base, faults and pages.

Knows: the limits of names and texts. Must never: know HTTP.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

from range.exits import INFRASTRUCTURE

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
DURATION = r"^([0-9]{1,6}(\.[0-9]{1,3})?(s|m|h)|[0-9]{1,5}(\.[0-9]{1,3})?d)$"
Duration = Annotated[str, StringConstraints(pattern=DURATION)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(@[0-9a-f]{6,64})?$")]
"""A document by name (its newest version), or by name and the beginning of its digest: `office@3fa9c1`."""

Flag = Annotated[bool, Strict()]
"""true or false, and no other word or number for them."""
Whole = Annotated[int, Strict(), Field(le=2**53)]
"""A whole number that every reader of JSON can hold."""
Number = Annotated[float, Strict()]
"""A number, and no text that looks like one."""

T = TypeVar("T")


class Body(BaseModel):
    """The base: frozen; what is not known is refused, and so is a number that JSON has no word for."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Position(Body):
    """One fault in something the caller wrote. Line and column count from 1; 0: the place is no file."""

    file: str
    line: int
    column: int
    what: str
    hint: str = ""


class Trouble(Body):
    """problem+json (RFC 9457). `error`: the class of the error; `exit`: the exit code the command line ends with."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    error: str = ""
    hint: str = ""
    exit: int = INFRASTRUCTURE
    log: str = ""
    errors: tuple[Position, ...] = ()
    limit: str = ""
    allowed: float = 0
    used: float = 0
    room_at: float = 0


class Page(Body, Generic[T]):
    """Some of a list. `next`: the cursor for the rest; empty at the end."""

    items: tuple[T, ...]
    next: str = ""
