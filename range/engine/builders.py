"""Builder containers: throw-away containers in which a tool is installed once, and then committed to an image.

Knows: how a builder is labelled, entered, filled, committed and removed.
Must never: be part of a range. A builder has egress; a range never does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from json import dumps

import docker

from range.engine import labels, owners
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
_KILL_ALL = ("sh", "-c", "kill -KILL -1")
"""Every process of the container but its first. Fit for a builder, which runs one thing at a time."""


class DockerBuilders:
    """ports.Builders over a Docker engine. `owner` is written on every builder, so that a sweep finds orphans."""

    def __init__(self, client: docker.DockerClient, instance: str, owner: str) -> None:
        self._client = client
        self._api = client.api
        self._instance = instance
        self._owner = owner

    def start_builder(self, reference: str, name: str) -> str:
        """A throw-away container from the image, with egress; its id. Raises ImageMissing, Conflict."""
        image = parse(reference).familiar
        with faults(f"starting a builder from {reference}"):
            config = self._api.inspect_image(image)["Config"] or {}
            created = self._api.create_container(
                image,
                **_idle(config),
                name=labels.container_name(self._instance, KIND_BUILDER, name),
                labels={
                    labels.KIND: KIND_BUILDER,
                    labels.INSTANCE: self._instance,
                    labels.OWNER: self._owner,
                    labels.NODE: name,
                    labels.KEPT: "no",
                    labels.CREATED: f"{time.time():.3f}",
                },
                host_config=self._api.create_host_config(
                    mem_limit="2g", pids_limit=2048, security_opt=["no-new-privileges"]
                ),
            )
            builder = str(created["Id"])
            try:
                self._api.start(builder)
            except BaseException:
                self.remove_builder(builder)
                raise
            return builder

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
        try:
            with faults("removing a builder"):
                self._api.remove_container(builder, force=True, v=True)
        except (NotFound, Conflict):
            return  # gone, or on its way out

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        """Remove builders, and what benchmarks left, whose maker is dead, or all of this installation; their names."""
        filters = {"label": [f"{labels.KIND}={KIND_BUILDER}", f"{labels.INSTANCE}={self._instance}"]}
        with faults("listing builders"):
            found = self._api.containers(all=True, filters=filters)
        gone = []
        for container in found:
            if everything or owners.alive(container["Labels"].get(labels.OWNER, "")) is False:
                self.remove_builder(container["Id"])
                gone.append(str(container["Names"][0]).lstrip("/"))
        return sorted(gone + sweep_benches(self._api, self._instance, everything=everything))


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
