"""The composition root: from settings to ports. The only module that chooses implementations.

Knows: every adapter. Must never: do work, or keep anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from range import catalogue
from range.clock import SystemClock
from range.engine import owners
from range.engine.bench import Bench
from range.engine.client import connect
from range.engine.diagnosis import Finding, findings
from range.engine.docker import DockerEngine
from range.engine.examine import examine
from range.engine.images import DockerImages
from range.engine.switchboard import DockerSwitchboard
from range.plan import Ownership
from range.ports import Ports
from range.provisioner.ansible import AnsibleProvisioner
from range.settings import Settings


def ports(settings: Settings) -> Ports:
    """Every port, over the Docker engine the settings name. Raises EngineUnavailable."""
    client = connect(settings.docker_host or None)
    clock = SystemClock()
    engine = DockerEngine(client, settings.instance, clock)
    folder = catalogue.root() / "topologies" / "images"
    cache = settings.cache_folder
    images = DockerImages(client, folder, cache, instance=settings.instance, owner=owners.me())
    provisioner = AnsibleProvisioner(engine, images, images, stop=clock.cancelled)
    return Ports(engine, DockerSwitchboard(engine), images, images, provisioner, clock, clock.cancelled)


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
