"""Builder containers: throw-away containers in which a tool is installed once, and then committed to an image.

Knows: how a builder is labelled, kept apart from every other, entered, filled, committed and removed.
Must never: be part of a range. A builder has egress; a range never does.

Each has a network of its own: the engine lets no packet pass from one of its networks to another.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from json import dumps
from typing import Any

import docker
from docker.api.client import APIClient

from range.engine import labels
from range.engine.baselines import sweep_benches
from range.engine.channel import Channel, run
from range.engine.client import faults
from range.engine.containers import archive
from range.errors import Conflict, NotFound
from range.layout import FileSpec
from range.ports import ExecResult
from range.references import parse

KIND_BUILDER = "builder"
KIND_IMAGE = "image"
CAPABILITIES = ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID")
"""What apt and dpkg need: to make files others', run as others, and end that. None forges packets or makes devices."""
MEMORY = 2 << 30
PROCESSES = 1024
PROCESSORS = 2
_KILL_ALL = ("sh", "-c", "kill -KILL -1")
"""Every process of the container but its first. Fit for a builder, which runs one thing at a time."""


def options(api: APIClient, network: str) -> dict[str, Any]:
    """How a builder is held: everything `create_container` is told but its image, program, name and labels."""
    return {
        "hostname": KIND_BUILDER,
        "host_config": api.create_host_config(
            network_mode=network,
            cap_drop=["ALL"],
            cap_add=list(CAPABILITIES),
            security_opt=["no-new-privileges"],
            mem_limit=MEMORY,
            memswap_limit=MEMORY,
            pids_limit=PROCESSES,
            cpu_period=100_000,
            cpu_quota=PROCESSORS * 100_000,
            log_config={"Type": "json-file", "Config": {"max-size": "5m", "max-file": "1"}},
        ),
    }


class DockerBuilders:
    """ports.Builders over a Docker engine. `owner` is written on every builder, so that a sweep finds orphans."""

    def __init__(self, client: docker.DockerClient, instance: str, owner: str) -> None:
        self._client = client
        self._api = client.api
        self._instance = instance
        self._owner = owner

    def start_builder(self, reference: str, name: str) -> str:
        """A throw-away container from the image, with egress; its id. Raises ImageMissing, Conflict."""
        image, called = parse(reference).familiar, labels.container_name(self._instance, KIND_BUILDER, name)
        marks = {
            labels.KIND: KIND_BUILDER,
            labels.INSTANCE: self._instance,
            labels.OWNER: self._owner,
            labels.NODE: name,
            labels.KEPT: "no",
            labels.CREATED: f"{time.time():.3f}",
        }
        with faults(f"starting a builder from {reference}"):
            config = self._api.inspect_image(image)["Config"] or {}
            made = self._api.create_network(called, driver="bridge", check_duplicate=True, labels=marks)
            try:
                held = options(self._api, str(made["Id"]))
                created = self._api.create_container(image, **_idle(config), name=called, labels=marks, **held)
                self._api.start(str(created["Id"]))
            except BaseException:
                self._remove(called)
                raise
            return str(created["Id"])

    def exec_builder(
        self, builder: str, argv: Sequence[str], *, timeout: float | None = None, user: str = ""
    ) -> ExecResult:
        """Run a command in a builder, as root unless told. At `timeout` (seconds) all it runs is killed."""
        start = time.time()
        channel = Channel(self._client, builder, argv, user=user or "0", doing=f"running {argv[0]} in a builder")
        ended = run(channel, timeout, lambda: self._kill_all(builder))
        return ExecResult(
            ended.exit_code, ended.stdout, ended.stderr, start, time.time(), ended.timed_out, ended.truncated
        )

    def _kill_all(self, builder: str) -> None:
        run(Channel(self._client, builder, _KILL_ALL, user="0", doing="ending a command"), 5, lambda: None)

    def write_builder(self, builder: str, files: Sequence[FileSpec]) -> None:
        """Put files into a builder; parent directories are made."""
        with faults("writing files into a builder"):
            self._api.put_archive(builder, "/", archive(files))

    def commit_builder(self, builder: str, reference: str) -> str:
        """Make the builder's state an image that starts as the builder's own image does; its digest."""
        repository, _, tag = reference.partition(":")
        with faults(f"committing {reference}"):
            image = self._api.inspect_container(builder)["Image"]
            answer = self._api.commit(
                builder,
                repository=repository,
                tag=tag or "latest",
                changes=changes(self._api.inspect_image(image)["Config"] or {}),
            )
            return str(answer["Id"])

    def remove_builder(self, builder: str) -> None:
        """Always safe to call."""
        with contextlib.suppress(NotFound), faults("looking for a builder"):
            self._remove(str(self._api.inspect_container(builder)["Name"]).lstrip("/"))

    def _remove(self, called: str) -> None:
        """The container of this name, and its network; what is gone or on its way out is fine."""
        with contextlib.suppress(NotFound, Conflict), faults("removing a builder"):
            self._api.remove_container(called, force=True, v=True)
        with contextlib.suppress(NotFound), faults("removing a builder's network"):
            self._api.remove_network(called)

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        """Remove builders, and what benchmarks left, that are nobody's, or all of this installation; their names."""
        filters = {"label": [f"{labels.KIND}={KIND_BUILDER}", f"{labels.INSTANCE}={self._instance}"]}
        with faults("listing builders"):
            found = [(str(one["Names"][0]).lstrip("/"), one) for one in self._api.containers(all=True, filters=filters)]
            found += [(str(one["Name"]), one) for one in self._api.networks(filters=filters)]
        gone = set()
        for called, one in found:
            if everything or labels.left(one["Labels"], self._owner, time.time()):
                self._remove(called)
                gone.add(called)
        return sorted([*gone, *sweep_benches(self._api, self._instance, everything=everything)])


def _idle(config: Mapping[str, object]) -> dict[str, list[str]]:
    """How the builder waits. An entrypoint is replaced only where there is one: a commit cannot take one away again."""
    if config.get("Entrypoint"):
        return {"entrypoint": ["sleep", "infinity"], "command": []}
    return {"command": ["sleep", "infinity"]}


def changes(config: Mapping[str, object]) -> list[str]:
    """What a commit changes, so that the image starts as `config` (the builder's image) does and is nobody's."""
    return [
        f"ENTRYPOINT {dumps(config.get('Entrypoint') or [])}",
        f"CMD {dumps(config.get('Cmd') or [])}",
        f'LABEL {labels.KIND}="{KIND_IMAGE}"',
        *(f'LABEL {key}=""' for key in (labels.INSTANCE, labels.OWNER, labels.NODE, labels.CREATED)),
    ]
