"""The containers of a range: how a node or a fabric is described to the engine, and how it is found again.

Knows: which options make a node safe (no network, no capability but those named, no new privileges, limits, no host
mounts) and what a fabric needs. Must never: wire anything.

The engine's networking is not merely set to `none` for them but off (`network_disabled`): the network namespace is then
the runtime's own, so the engine can attach nothing to it, a start takes about half the time, and Docker 20.10 cannot
lock itself up over the endpoints of containers that end at once (moby issue 46661).
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError

from range.engine import labels
from range.engine.client import faults
from range.engine.fabric import AGENT_ENV, agent_archive, agent_argv
from range.errors import RangeError
from range.layout import FileSpec, NodeSpec
from range.plan import Ownership, spec_digest
from range.references import parse
from range.topology import size_bytes

FABRIC_IMAGE = "jointrange/fabric"
FABRIC_CAPABILITIES = ("NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE", "KILL")
SYSCTLS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.default.disable_ipv6": "0",
}
"""What every node has unless its layout says otherwise; the engine would turn IPv6 off where it makes no network."""
FIRST_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n"
"""What a node's first process finds in /etc/hosts, before the fabric's agent writes the names of the range."""
NO_NAME_SERVER = "nameserver 127.0.0.1\nsearch .\n"
"""/etc/resolv.conf of every node: nobody listens there unless the node itself does."""
PARTIAL = ".partial"
"""Ends a fabric's name until its range was whole once: so the engine's own list tells what was never finished."""


def archive(files: Iterable[FileSpec]) -> bytes:
    """A tar of files, to be unpacked at the root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            info = tarfile.TarInfo(file.path.lstrip("/"))
            info.size, info.mode, info.uid, info.gid = len(file.content), file.mode, file.uid, file.gid
            tar.addfile(info, io.BytesIO(file.content))
    return buffer.getvalue()


def node_archive(node: NodeSpec) -> bytes:
    """A node's files, and after them the two that an engine with its networking on would have written."""
    own = (("/etc/hosts", FIRST_HOSTS), ("/etc/resolv.conf", NO_NAME_SERVER))
    return archive((*node.files, *(FileSpec(path, text.encode()) for path, text in own)))


def node_options(api: APIClient, range_id: str, ownership: Ownership, node: NodeSpec) -> dict[str, Any]:
    """Everything `create_container` is told about a node."""
    limits = node.limits
    return {
        "image": parse(node.image).familiar,  # a name with a tag: nothing that could be an id
        "command": list(node.command) if node.command is not None else None,
        "network_disabled": True,
        "hostname": node.name,
        "environment": dict(node.env),
        "labels": labels.of(range_id, ownership, "node", node.name, spec_digest(node)),
        "host_config": api.create_host_config(
            network_mode="none",
            init=True,
            cap_drop=["ALL"],
            cap_add=list(node.capabilities),
            security_opt=["no-new-privileges"],
            mem_limit=size_bytes(limits.memory),
            nano_cpus=int(limits.cpus * 1e9) if limits.cpus else None,
            pids_limit=limits.pids,
            sysctls={**SYSCTLS, **dict(node.sysctls)},
            dns=["127.0.0.1"],
            dns_search=["."],
            log_config={"Type": "json-file", "Config": {"max-size": "5m", "max-file": "1"}},
        ),
    }


def fabric_options(api: APIClient, range_id: str, ownership: Ownership) -> dict[str, Any]:
    """Everything `create_container` is told about a fabric."""
    return {
        "image": FABRIC_IMAGE,
        "command": agent_argv("watch"),
        "network_disabled": True,
        "environment": AGENT_ENV,
        "hostname": "fabric",
        "labels": labels.of(range_id, ownership, "fabric", labels.FABRIC_NODE),
        "host_config": api.create_host_config(
            network_mode="none",
            pid_mode="host",
            cap_drop=["ALL"],
            cap_add=list(FABRIC_CAPABILITIES),
            security_opt=["no-new-privileges", "apparmor=unconfined"],
            mem_limit=256 << 20,
            pids_limit=256,
            sysctls={"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"},
            dns=["127.0.0.1"],
        ),
    }


class Containers:
    """Makes, finds and removes the containers of one installation."""

    def __init__(self, api: APIClient, instance: str) -> None:
        self.api = api
        self.instance = instance

    def list(self, **wanted: str) -> list[Mapping[str, Any]]:
        """Every container of ours with these labels, in any state. Keys: range, node, kind."""
        keys = {"range": labels.RANGE, "node": labels.NODE, "kind": labels.KIND}
        filters = [f"{labels.INSTANCE}={self.instance}"] + [f"{keys[key]}={value}" for key, value in wanted.items()]
        with faults("listing containers"):
            found: list[Mapping[str, Any]] = self.api.containers(all=True, filters={"label": filters})
        return found

    def make_node(self, range_id: str, ownership: Ownership, node: NodeSpec) -> str:
        """A running container for the node: adopted when an equal one is there, else made. Its id."""
        name = labels.container_name(self.instance, range_id, node.name)
        options = node_options(self.api, range_id, ownership, node)
        return self._make(name, options, node_archive(node), spec_digest(node), f"node {node.name}")

    def make_fabric(self, range_id: str, ownership: Ownership) -> str:
        """A running fabric container, the agent inside. Its id."""
        name = labels.container_name(self.instance, range_id, labels.FABRIC_NODE) + PARTIAL
        return self._make(name, fabric_options(self.api, range_id, ownership), agent_archive(), "", "the fabric")

    def finish(self, range_id: str) -> None:
        """Take the mark off the fabric's name: the range was whole once."""
        name = labels.container_name(self.instance, range_id, labels.FABRIC_NODE)
        for container in self.list(range=range_id, kind="fabric"):
            if partial(container):
                with faults("naming the fabric"):
                    self.api.rename(container["Id"], name)

    def remove(self, container: str) -> None:
        """Kill and remove one container with its anonymous volumes; one that is gone or going already is fine."""
        with faults(f"removing container {container[:12]}"):
            try:
                self.api.remove_container(container, force=True, v=True)
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise

    def remove_node(self, range_id: str, node: str) -> None:
        """Kill and remove a node's container: by its name, and by its labels when nothing has that name."""
        with faults(f"removing node {node}"):
            try:
                self.api.remove_container(labels.container_name(self.instance, range_id, node), force=True, v=True)
                return
            except APIError as error:
                if error.status_code == 409:
                    return
                if error.status_code != 404:
                    raise
        for container in self.list(range=range_id, node=node, kind="node"):
            self.remove(container["Id"])

    def _make(self, name: str, options: dict[str, Any], files: bytes, spec: str, what: str) -> str:
        with faults(f"making {what}"):
            try:
                container = str(self.api.create_container(name=name, **options)["Id"])
            except APIError as error:
                if error.status_code != 409:
                    raise
                there = self._named(name)
                if there and there["Labels"].get(labels.SPEC, "") == spec and there["State"] == "running":
                    return str(there["Id"])
                if there:
                    self.remove(str(there["Id"]))
                container = str(self.api.create_container(name=name, **options)["Id"])
        try:
            with faults(f"starting {what} from {options['image']}"):
                self.api.put_archive(container, "/", files)
                self.api.start(container)
        except RangeError:
            self.remove(container)
            raise
        return container

    def _named(self, name: str) -> Mapping[str, Any] | None:
        found: list[Mapping[str, Any]] = self.api.containers(all=True, filters={"name": f"^/{re.escape(name)}$"})
        return found[0] if found else None


def partial(container: Mapping[str, Any]) -> bool:
    """Whether a fabric, from a listing, belongs to a range that was never whole."""
    return any(str(name).endswith(PARTIAL) for name in container["Names"])
