"""What every part of the service is given: its store, its ports, its folders, its limits.

Knows: the shape of it, and who is asking (`Principal`). Must never: choose an implementation (range/wiring.py does).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from range.ports import Clock, Ports
from range.rows import Role
from range.service.memo import Memo
from range.stores import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and sizes the service keeps to."""

    hold: float = 15.0
    """How long a keeper may hold a row without renewing; after that another takes it."""
    idle: float = 1.0
    """Seconds between two looks for work when nobody wakes the loop."""
    watch: float = 2.0
    """Seconds between two surveys of the engine for nodes that died."""
    again: float = 300.0
    """Seconds after which a range that is up is looked at in any case."""
    attempts: int = 5
    """Tries of one generation before a range has failed."""
    phase: float = 900.0
    """Seconds a range may take to come up or to go."""
    run: float = 86400.0
    """Seconds a run may take besides twice what its campaign comes to; it has failed then, and what ended is kept."""
    grace: float = 60.0
    """Age from which something in the engine that no row knows is removed."""
    keep_events: float = 7 * 86400.0
    """Seconds events are kept."""
    lease: float = 8 * 3600.0
    """Seconds a range lives when nobody said how long."""
    body: int = 5 << 20
    """Bytes of a request."""
    bodies: int = 64 << 20
    """Bytes of all requests that are being read or answered at once, in one process."""
    document: int = 4 << 20
    """Bytes of a document, all files together."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `id`: `token:<prefix>` or `oidc:<issuer>#<subject>`.

    `org` empty: an administrator of the installation.
    """

    id: str
    name: str
    org: str
    role: Role
    scopes: tuple[str, ...] = ()
    project: str = ""
    expires: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a use case or a keeper needs.

    `ports()`: every port, with a stop flag of its own, over one engine connection pool. `deployment`: the id of the
    installation's database: ranges in the engine that are not its own are not its business. `replica`: this process, as
    the holder of rows. `data`: the folder for runs and unpacked documents, shared by replicas.
    `cpus`, `memory` (bytes): the machine, as far as ranges may use it.
    """

    store: Store
    ports: Callable[[], Ports]
    clock: Clock
    data: Path
    instance: str
    deployment: str
    replica: str
    workers: int
    jobs: int
    cpus: float
    memory: int
    limits: Limits = field(default_factory=Limits)
    memo: Memo = field(default_factory=Memo, compare=False)
    """What was computed from documents, which never change."""

    def owner(self, subject: str) -> str:
        """The word that goes into the labels of what is made for `range/<id>` or `run/<id>`."""
        return f"service:{self.deployment}:{subject}"
