"""Jails: containers in which foreign code runs that steers a range, and that reach nothing but their own streams.

Knows: which options leave such a container no way out: no network, no mount, a file system it cannot write to but for
a small one in memory, no capability, no new privileges, nobody's user, limits on memory, processors and processes,
no log of the engine's that it could fill. How its streams are joined, and how it is found again and removed.
Must never: give a jail anything of this machine: a file, a variable, an address.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Any

import docker
from docker.api.client import APIClient
from docker.types import Ulimit

from range.engine import labels
from range.engine.channel import Channel
from range.engine.client import faults
from range.errors import Conflict, EngineFault, NotFound, RangeError

KIND_JAIL = "ansible"
USER = "65534:65534"
"""Nobody, in every Debian."""
MEMORY = 1 << 30
SCRATCH = 512 << 20
"""Bytes of /tmp, in memory and counted as memory."""
PROCESSES = 256
FILES = 4096
"""Open files of one process."""
PROCESSORS = 2
_WORDS = 4096
_GOING = 30
"""Seconds a jail that ended by itself may take to be gone."""


def options(api: APIClient) -> dict[str, Any]:
    """Everything `create_container` is told about a jail but its image, program, name and labels."""
    return {
        "user": USER,
        "hostname": "jail",
        "working_dir": "/tmp",  # noqa: S108 (inside the jail)
        "environment": {},
        "use_config_proxy": False,
        "stdin_open": True,
        "host_config": api.create_host_config(
            network_mode="none",
            ipc_mode="private",
            read_only=True,
            tmpfs={"/tmp": f"size={SCRATCH},nr_inodes=32768,mode=1777,nosuid,nodev,noexec"},  # noqa: S108
            shm_size=16 << 20,
            init=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=MEMORY,
            memswap_limit=MEMORY,
            pids_limit=PROCESSES,
            ulimits=[Ulimit(name="nofile", soft=FILES, hard=FILES), Ulimit(name="core", soft=0, hard=0)],
            cpu_period=100_000,
            cpu_quota=PROCESSORS * 100_000,
            dns=["127.0.0.1"],
            dns_search=["."],
            log_config={"Type": "none", "Config": {}},
            auto_remove=True,
        ),
    }


class DockerJails:
    """ports.Jails over a Docker engine. `owner` is written on every jail, so that a sweep finds orphans."""

    def __init__(self, client: docker.DockerClient, instance: str, owner: str) -> None:
        self._api = client.api
        self._instance = instance
        self._owner = owner

    def start_jail(self, reference: str, argv: Sequence[str], name: str) -> DockerJail:
        """A running jail with its streams joined. Raises ImageMissing, Conflict (the name is taken)."""
        with faults(f"making a jail from {reference}"):
            created = self._api.create_container(
                reference,
                command=list(argv),
                name=labels.container_name(self._instance, KIND_JAIL, name),
                labels={
                    labels.KIND: KIND_JAIL,
                    labels.INSTANCE: self._instance,
                    labels.OWNER: self._owner,
                    labels.NODE: name,
                    labels.KEPT: "no",
                    labels.CREATED: f"{time.time():.3f}",
                },
                **options(self._api),
            )
        jail = str(created["Id"])
        try:
            channel = _Joined(self._api, jail)
            try:
                with faults(f"starting a jail from {reference}"):
                    self._api.start(jail)
            except BaseException:
                channel.close()
                raise
        except BaseException:
            _remove(self._api, jail)
            raise
        return DockerJail(self._api, jail, channel)

    def sweep_jails(self, *, everything: bool = False) -> list[str]:
        """Remove jails that are nobody's, or all of this installation; their names."""
        filters = {"label": [f"{labels.KIND}={KIND_JAIL}", f"{labels.INSTANCE}={self._instance}"]}
        with faults("listing jails"):
            found = self._api.containers(all=True, filters=filters)
        gone = []
        for container in found:
            if everything or labels.left(container["Labels"], self._owner, time.time()):
                _remove(self._api, container["Id"])
                gone.append(str(container["Names"][0]).lstrip("/"))
        return sorted(gone)


class DockerJail:
    """ports.Jail: a running container and its streams."""

    def __init__(self, api: APIClient, container: str, channel: _Joined) -> None:
        self.id = container
        self._api = api
        self._channel = channel
        self._frames = channel.frames()
        self._words = b""
        self._gone = threading.Lock()
        self._removed = False

    def send(self, data: bytes) -> None:
        """To the program's standard input; waits while it does not read. Raises EngineFault: it has ended."""
        self._channel.send(data)

    def finish(self) -> None:
        """The program's standard input ends."""
        self._channel.finish()

    def receive(self) -> bytes:
        """From the program's standard output; empty at its end."""
        for stream, data in self._frames:
            if stream == 1:
                return data
            self._words = (self._words + data)[-_WORDS:]
        return b""

    def errors(self) -> str:
        """The last words of its standard error, as far as they were received."""
        return self._words.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End and remove it, with all that runs in it."""
        self._channel.close()
        with self._gone:
            if not self._removed:
                _remove(self._api, self.id)
                self._removed = True


class _Joined(Channel):
    """The streams of a container's first program, joined before it starts."""

    def __init__(self, api: APIClient, container: str) -> None:
        self.api = api
        self.id = container
        with faults("joining the streams of a jail"):
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self.handle: Any = api.attach_socket(container, params=wanted)
        self.sock = getattr(self.handle, "_sock", self.handle)
        self.sock.settimeout(None)
        self.rest = b""
        self.closing = threading.Lock()
        self.closed = False

    def send(self, data: bytes) -> None:
        """Every byte, however slowly it is read: the socket's timeout is the reader's, and no end of ours."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise EngineFault("a jail has ended, and takes nothing any more") from error

    def exit_code(self) -> int | None:
        """Nobody asks: the container is removed at its end."""
        return None

    def _running(self) -> bool:
        try:
            with faults("asking whether a jail goes on"):
                return bool(self.api.inspect_container(self.id)["State"]["Running"])
        except RangeError:
            return False


def _remove(api: APIClient, container: str) -> None:
    """Kill and remove it; one that is gone is fine, and one on its way out, as it goes by itself, is waited for."""
    try:
        with contextlib.suppress(NotFound), faults("removing a jail"):
            api.remove_container(container, force=True, v=True)
    except Conflict:
        with contextlib.suppress(NotFound), faults("waiting for a jail to go"):
            api.wait(container, timeout=_GOING, condition="removed")
