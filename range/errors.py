"""What can go wrong, as one small tree of types.

    RangeError
    ├─ Invalid              a file the user wrote is wrong: every fault at once, each with its position
    ├─ NotFound             no range, node, network or file has that name
    ├─ Conflict             the name is taken, or another run holds it
    ├─ Refused              the plan cannot be honoured here, or would break a safety rule; nothing was started
    ├─ EngineUnavailable    no container engine, too old, or no permission on its socket
    ├─ ImageMissing         an image is not here and cannot be built or pulled
    ├─ Exhausted            the machine ran out of something: disk, ports, processes, memory
    ├─ NodeFailed           a node died at start or never became ready
    ├─ ProvisionFailed      a tool's playbook failed
    ├─ IsolationBroken      the isolation probe found a way out: nothing is attacked
    ├─ EngineFault          the engine answered with something no rule above explains
    ├─ Unauthenticated      the service does not know who is asking
    ├─ Forbidden            who is asking may not do this
    ├─ QuotaExceeded        an organisation's limit: says which, how much is used, and when there will be room
    ├─ Stale                the row has changed since it was read
    │   └─ Superseded       something else is wanted by now
    ├─ StoreUnavailable     the service's database does not answer
    └─ ServiceUnavailable   the service itself does not answer, or not in time

Knows: how an error is worded. `str(error)` says what happened and where; `.hint` says what to do.
Must never: print, exit, know an exit code (range/exits.py does) or an HTTP status (range/troubles.py does).

A step of a scenario that fails is a *result* (range/ledger.py), never an error.
A programming error is neither: let it crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A position in a file the user wrote. Line and column count from 1; line 0 is no file but a command or so."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a model, at a path of keys and indices, before anyone knows the file it came from."""

    path: tuple[str | int, ...]
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault with its position: what the user reads as `file:line:col: what` and a hint."""

    where: Where
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n    hint: {self.hint}" if self.hint else "")


class RangeError(Exception):
    """Something went wrong."""

    def __init__(self, what: str = "", *, hint: str = "") -> None:
        super().__init__(what or (type(self).__doc__ or "").strip())
        self.hint = hint


class Invalid(RangeError):
    """The file is not valid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.where))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(RangeError):
    """There is nothing of that name."""


class Conflict(RangeError):
    """That name is taken."""


class Refused(RangeError):
    """This cannot be done here, so nothing was started."""


class EngineUnavailable(RangeError):
    """No container engine answers."""


class ImageMissing(RangeError):
    """An image is missing."""


class Exhausted(RangeError):
    """The machine ran out of something."""


class NodeFailed(RangeError):
    """A node failed."""

    def __init__(self, what: str = "", *, node: str = "", log: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.node = node
        self.log = log


class ProvisionFailed(RangeError):
    """A tool's playbook failed."""

    def __init__(self, what: str = "", *, host: str = "", task: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.host = host
        self.task = task


class IsolationBroken(RangeError):
    """The isolation probe found a way out of the range."""


class EngineFault(RangeError):
    """The container engine failed."""


class Unauthenticated(RangeError):
    """The service does not know who is asking."""


class Forbidden(RangeError):
    """You may not do this."""


class QuotaExceeded(RangeError):
    """A limit of the organisation is reached."""

    def __init__(
        self,
        what: str = "",
        *,
        limit: str = "",
        allowed: float = 0,
        used: float = 0,
        room_at: float = 0,
        hint: str = "",
    ) -> None:
        """`limit`: its name in the quota; `room_at`: when there will be room, seconds since the epoch, 0 unknown."""
        super().__init__(what, hint=hint)
        self.limit, self.allowed, self.used, self.room_at = limit, allowed, used, room_at


class Stale(RangeError):
    """It has changed since it was read."""


class Superseded(Stale):
    """Something else is wanted by now: what is under way for the old wish ends here."""


class StoreUnavailable(RangeError):
    """The service's database does not answer."""


class ServiceUnavailable(RangeError):
    """The service does not answer."""
