"""Looking at this machine and its engine: the facts that range/engine/diagnosis.py judges.

Knows: where each fact is found, and that most of them can be had when the engine is not there.
Must never: judge, or change anything; the one throw-away fabric it starts is removed again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import docker

from range.clock import SystemClock
from range.engine import labels, owners
from range.engine.client import connect, faults
from range.engine.containers import FABRIC_IMAGE
from range.engine.diagnosis import Disk, EngineFacts, Facts
from range.engine.docker import DockerEngine
from range.engine.images import ANSIBLE, BASE, PREFIX
from range.errors import EngineUnavailable, ImageMissing, RangeError
from range.plan import PROBE, Ownership

LOCAL = "unix://"
SOCKET = LOCAL + "/var/run/docker.sock"
START = "start it (`systemctl start docker`), or set DOCKER_HOST; `script/bootstrap` installs one on Debian"
PATIENCE = 10.0
"""Seconds the engine has to answer."""


def examine(endpoint: str, instance: str, folders: Mapping[str, Path]) -> Facts:
    """Every fact. `endpoint` may be empty: DOCKER_HOST, else the local socket. `folders`: what is kept -> where."""
    endpoint = endpoint or os.environ.get("DOCKER_HOST", "") or SOCKET
    local = endpoint.startswith(LOCAL)
    facts: dict[str, Any] = {
        "socket": _socket(Path(endpoint.removeprefix(LOCAL))) if local else None,
        "disks": tuple(_disk(what, folder) for what, folder in folders.items()),
        "kernel_unknown": "no engine answers",
        "kernel_hint": "mend `engine` first",
        "synchronised": _synchronised(),
        "ansible": _version("ansible-runner"),
        "mmdebstrap": shutil.which("mmdebstrap") is not None,
    }
    path = Path(endpoint.removeprefix(LOCAL))
    if local and not path.exists():
        return Facts(**facts, engine_fault=f"no container engine answers: there is no {path}", engine_hint=START)
    try:
        client = connect(endpoint, timeout=PATIENCE)
    except EngineUnavailable as error:
        return Facts(**facts, engine_fault=str(error), engine_hint=error.hint)
    try:
        with faults("asking the engine what it is"):
            info, skew = _asked(client)
        root = Path(str(info.get("DockerRootDir", "")))
        if local and root.is_dir():
            facts["disks"] = (_disk("images", root), *facts["disks"])
        facts |= _kernel(client, instance)
        return Facts(**facts, engine=_engine(client, instance, info, skew))
    except RangeError as error:
        return Facts(**facts, engine_fault=str(error), engine_hint=error.hint)
    finally:
        client.close()


def _asked(client: docker.DockerClient) -> tuple[Mapping[str, Any], float | None]:
    """What the engine says, and its clock minus ours, taken half way through the answer."""
    before = time.time()
    info: Mapping[str, Any] = client.api.info()
    middle = (before + time.time()) / 2
    try:
        told = datetime.fromisoformat(str(info.get("SystemTime", "")))
    except ValueError:
        return info, None
    return info, told.timestamp() - middle


def _engine(client: docker.DockerClient, instance: str, info: Mapping[str, Any], skew: float | None) -> EngineFacts:
    engine = DockerEngine(client, instance, SystemClock())
    with faults("asking the engine what it has"):
        networks = client.api.networks()
        version = str(client.api.version()["Version"])
        base, ansible = (bool(client.api.images(name=PREFIX + kind)) for kind in (BASE, ANSIBLE))
    return EngineFacts(
        version=version,
        system=str(info.get("OperatingSystem", "?")),
        storage=str(info.get("Driver", "?")),
        cpus=int(info.get("NCPU", 0)),
        memory=int(info.get("MemTotal", 0)),
        cgroups="v" + str(info.get("CgroupVersion", "1")),
        limits={
            "memory": bool(info.get("MemoryLimit")),
            "pids": bool(info.get("PidsLimit")),
            "cpu": bool(info.get("CpuCfsQuota")),
        },
        networks=len(networks),
        skew=skew,
        base_image=base,
        ansible_image=ansible,
        orphans=(*(line.range_id for line in engine.survey() if line.orphan), *_throwaways(engine)),
    )


def _throwaways(engine: DockerEngine) -> tuple[str, ...]:
    """Builders and benchmark containers whose maker is dead."""
    return tuple(
        str(one["Names"][0]).lstrip("/")
        for one in engine.containers.list()
        if one["Labels"].get(labels.KIND) not in ("node", "fabric")
        and owners.alive(one["Labels"].get(labels.OWNER, "")) is False
    )


def _kernel(client: docker.DockerClient, instance: str) -> dict[str, Any]:
    """What a throw-away fabric finds, or why there was none."""
    engine = DockerEngine(client, instance, SystemClock())
    owner = Ownership(instance, owners.me(), "doctor", kept=False, created=time.time())
    try:
        container = engine.containers.make_fabric(f"{PROBE}{uuid.uuid4().hex[:8]}", owner)
        try:
            return {"kernel": engine.ask(container, "kernel", {}, "looking at the kernel")["features"]}
        finally:
            engine.containers.remove(container)
    except ImageMissing:
        return {"kernel_unknown": f"{FABRIC_IMAGE} is not built", "kernel_hint": "`jointrange images build fabric`"}
    except RangeError as error:
        return {"kernel_unknown": str(error), "kernel_hint": error.hint}


def _socket(path: Path) -> tuple[str, bool]:
    return str(path), os.access(path, os.R_OK | os.W_OK)


def _disk(what: str, folder: Path) -> Disk:
    """Free bytes at the folder, or at the nearest one above that is there."""
    here = folder.expanduser().absolute()
    while not here.exists():
        here = here.parent
    return Disk(what, str(here), shutil.disk_usage(here).free)


def _synchronised() -> bool | None:
    if shutil.which("timedatectl") is None:
        return None
    asked = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False)
    return {"yes": True, "no": False}.get(done.stdout.strip())


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
