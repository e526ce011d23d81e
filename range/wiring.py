"""The composition root: from settings to ports. The only module that chooses implementations.

Knows: every adapter. Must never: do work, or keep anything.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from range import catalogue
from range.clock import SystemClock
from range.engine import owners
from range.engine.bench import Bench
from range.engine.client import Connection, connect
from range.engine.diagnosis import Finding, findings
from range.engine.docker import DockerEngine
from range.engine.examine import examine
from range.engine.images import DockerImages
from range.engine.jails import DockerJails
from range.engine.switchboard import DockerSwitchboard
from range.engine.terminal import DockerTerminals
from range.errors import Exhausted, NotFound
from range.plan import Ownership
from range.ports import Ports
from range.provisioner.ansible import AnsibleProvisioner
from range.provisioner.room import RUNS_MOST, Room
from range.references import ANY, PUBLIC
from range.service.context import Limits, Service
from range.settings import Settings
from range.topology import seconds, size_bytes

CPUS_EACH = 4
"""Processors' worth of node limits that the service puts on one processor, unless the settings say otherwise."""


def ports(settings: Settings) -> Ports:
    """Every port, over the Docker engine the settings name. Raises EngineUnavailable."""
    client = connect(settings.docker_host or None)
    return _over(_Shared(client, settings.registry_list or (ANY,), owners.me(), _room(settings)), settings)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all ports of a process share. `owner`: whose builders, jails and probes are; `tried`: what probes found."""

    client: Connection
    registries: tuple[str, ...]
    owner: str
    room: Room
    tried: dict[str, str] = field(default_factory=dict)


def _room(settings: Settings) -> Room:
    return Room(min(RUNS_MOST, workers(settings)))


def _over(shared: _Shared, settings: Settings) -> Ports:
    """Every port, with a stop flag of its own."""
    client, owner = shared.client, shared.owner
    clock = SystemClock()
    engine = DockerEngine(client, settings.instance, clock, owner=owner, tried=shared.tried)
    folder = catalogue.root() / "topologies" / "images"
    cache = settings.cache_folder
    images = DockerImages(
        client,
        folder,
        cache,
        instance=settings.instance,
        owner=owner,
        registries=shared.registries,
        stop=clock.cancelled,
    )
    jails = DockerJails(client, settings.instance, owner)
    provisioner = AnsibleProvisioner(engine, images, images, jails, room=shared.room, stop=clock.cancelled)
    board, terminals = DockerSwitchboard(engine), DockerTerminals(engine)
    return Ports(engine, board, images, images, provisioner, clock, clock.cancelled, terminals)


def ownership(settings: Settings, topology: str, *, kept: bool, now: float) -> Ownership:
    """This process as the maker of a range."""
    return Ownership(settings.instance, owners.me(), topology, kept, now)


def owner() -> str:
    """This process, as a word that no other process shares."""
    return owners.me()


def workers(settings: Settings) -> int:
    """Containers to start at once: twice the processors, where runc saturates, unless the settings say otherwise."""
    return settings.workers or 2 * (os.cpu_count() or 2)


def bench(settings: Settings, note: Callable[[str], None]) -> Bench:
    """What measures this engine; `note` gets a line as each measurement begins. Raises EngineUnavailable."""
    client = connect(settings.docker_host or None)
    return Bench(client, ports(settings), settings.instance, workers(settings), note)


def diagnose(settings: Settings) -> tuple[Finding, ...]:
    """What this machine can and cannot do. Raises nothing for want of an engine: that is a finding."""
    folders = {"results": Path(settings.results), "cache": settings.cache_folder}
    return findings(examine(settings.docker_host, settings.instance, folders))


def service(settings: Settings) -> Service:
    """All that the service needs, its database brought up to date.

    Raises EngineUnavailable, StoreUnavailable, Exhausted (no room for its folder).
    """
    from range.store.opening import deployment, open_store  # SQLAlchemy: no command but the service's pays for it

    data = _data(settings)
    client = connect(settings.docker_host or None, pool=64)
    able = DockerEngine(client, settings.instance, SystemClock()).capabilities(probe=False)
    store = open_store(database(settings), migrate=True)
    key = deployment(store)
    shared = _Shared(client, settings.registry_list or (PUBLIC,), owners.process_of(key), _room(settings))
    return Service(
        store=store,
        ports=lambda: _over(shared, settings),
        clock=SystemClock(),
        data=data,
        instance=settings.instance,
        deployment=key,
        replica=f"{owners.me()}/{uuid.uuid4().hex[:8]}",
        workers=workers(settings),
        jobs=settings.jobs,
        cpus=float(settings.cpus or CPUS_EACH * able.cpus),
        memory=size_bytes(settings.memory) if settings.memory else able.memory * 4 // 5,
        limits=Limits(lease=seconds(settings.lease), keep_events=seconds(settings.keep_events)),
    )


def database(settings: Settings) -> str:
    """The URL of the service's database, with its password. Raises NotFound when the password's file is not there."""
    named = settings.database_password_file
    if not named:
        return settings.database_url
    try:
        password = Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotFound(
            f"cannot read {named}: {error.strerror}", hint="see JOINTRANGE_DATABASE_PASSWORD_FILE"
        ) from error
    scheme, _, rest = settings.database_url.partition("://")
    user, _, where = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{quote(password, safe='')}@{where}"


def _data(settings: Settings) -> Path:
    """The service's folder, made when absent. Raises Exhausted."""
    data = settings.data_folder
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Exhausted(f"cannot make the folder {data}: {error.strerror}", hint="see JOINTRANGE_DATA") from error
    return data


def first_token(settings: Settings) -> str | None:
    """A token that may do everything, where there is none at all yet; else None. Its secret is nowhere else.

    Brings the database up to date. Raises as `service` does.
    """
    from range.service import tokens
    from range.store.opening import open_store

    _data(settings)
    store = open_store(database(settings), migrate=True)
    try:
        with store.writing() as rows:
            return tokens.first(rows, store.now())
    finally:
        store.close()


def hosts(settings: Settings) -> tuple[str, ...]:
    """Names under which the service may be asked: where it listens, this machine's own, and what the settings add."""
    listening = settings.listen.rpartition(":")[0].strip("[]")
    named = [name.strip() for name in settings.hosts.split(",") if name.strip()]
    return tuple(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", listening, *named)))
