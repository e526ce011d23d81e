"""Builder containers: throw-away containers in which a tool is installed once, and then committed to an image.

Knows: how a builder is labelled, entered, filled, committed and removed.
Must never: be part of a range. A builder has egress; a range never does.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from json import dumps
from threading import Event, Timer

import docker

from range.engine import labels
from range.engine.client import faults
from range.errors import Conflict, NotFound
from range.layout import FileSpec
from range.ports import ExecResult

KIND_BUILDER = "builder"
KIND_IMAGE = "image"
_KEEP = 4 << 20
"""Bytes of each output that are kept; the rest is read and dropped."""

_KILL_ALL = ("sh", "-c", "kill -KILL -1")
"""Every process of the container but its first. Fit for a builder, which runs one thing at a time."""


class Builders:
    """The builder half of ports.Images. `owner` is written on every builder, so that a sweep finds orphans."""

    def __init__(self, client: docker.DockerClient, instance: str, owner: str) -> None:
        self._api = client.api
        self._instance = instance
        self._owner = owner

    def start_builder(self, reference: str, name: str) -> str:
        """A throw-away container from the image, with egress; its id. Raises ImageMissing, Conflict."""
        with faults(f"starting a builder from {reference}"):
            created = self._api.create_container(
                reference,
                entrypoint=["sleep", "infinity"],
                command=[],
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
        expired = Event()

        def expire() -> None:
            expired.set()
            self._api.exec_start(self._api.exec_create(builder, list(_KILL_ALL), user="0")["Id"])

        with faults(f"running {argv[0]} in a builder"):
            start = time.time()
            ident = self._api.exec_create(builder, list(argv), user=user or "0")["Id"]
            timer = Timer(timeout, expire) if timeout is not None else None
            if timer:
                timer.daemon = True
                timer.start()
            try:
                kept, truncated = _read(self._api.exec_start(ident, stream=True, demux=True))
            finally:
                if timer:
                    timer.cancel()
            code = self._api.exec_inspect(ident)["ExitCode"]
        return ExecResult(
            exit_code=None if expired.is_set() else code,
            stdout=bytes(kept[0]),
            stderr=bytes(kept[1]),
            start=start,
            end=time.time(),
            timed_out=expired.is_set(),
            truncated=truncated,
        )

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
                changes=_changes(self._api.inspect_image(image)["Config"] or {}),
            )
            return str(answer["Id"])

    def remove_builder(self, builder: str) -> None:
        """Always safe to call."""
        try:
            with faults("removing a builder"):
                self._api.remove_container(builder, force=True, v=True)
        except (NotFound, Conflict):
            return  # gone, or on its way out


def archive(files: Sequence[FileSpec]) -> bytes:
    """A tar of the files, to be unpacked at `/`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size = len(file.content)
            entry.mode = file.mode
            entry.uid = file.uid
            entry.gid = file.gid
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def _changes(config: Mapping[str, object]) -> list[str]:
    return [
        f"ENTRYPOINT {dumps(config.get('Entrypoint') or [])}",
        f"CMD {dumps(config.get('Cmd') or [])}",
        f'LABEL {labels.KIND}="{KIND_IMAGE}" {labels.OWNER}="" {labels.NODE}="" {labels.CREATED}=""',
    ]


def _read(frames: object) -> tuple[tuple[bytearray, bytearray], bool]:
    kept, truncated = (bytearray(), bytearray()), False
    for frame in frames:  # type: ignore[attr-defined]
        for buffer, part in zip(kept, frame, strict=True):
            room = _KEEP - len(buffer)
            buffer += (part or b"")[:room]
            truncated = truncated or len(part or b"") > room
    return kept, truncated
