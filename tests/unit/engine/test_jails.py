"""Jails: what the engine is told, that it holds, and that nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from range.engine import labels, owners
from range.engine.client import connect
from range.engine.jails import FILES, KIND_JAIL, MEMORY, DockerJails, options
from range.ports import Jails
from range.testing.jails import CHECKS
from tests.unit.engine.pretended import Pretended

IMAGE = "jointrange/base"


def test_nothing_is_given_and_everything_is_taken() -> None:
    api = docker.APIClient(base_url="unix:///nowhere", version="1.41")
    told = options(api)
    api.close()
    host: dict[str, Any] = told["host_config"]
    assert (told["environment"], told["use_config_proxy"], told["user"]) == ({}, False, "65534:65534")
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert host["Memory"] == host["MemorySwap"] == MEMORY
    assert host["PidsLimit"]
    assert host["CpuQuota"]
    assert host["IpcMode"] == "private"
    assert {one["Name"]: one["Hard"] for one in host["Ulimits"]} == {"nofile": FILES, "core": 0}
    assert host["LogConfig"]["Type"] == "none"
    assert list(host["Tmpfs"]) == ["/tmp"]
    assert not {"Binds", "Mounts", "VolumesFrom", "Devices", "CapAdd", "Privileged", "PidMode", "PortBindings"} & {
        key for key, value in host.items() if value
    }


def test_a_jail_that_cannot_be_joined_is_removed(tmp_path: Any) -> None:
    with Pretended(tmp_path) as engine:
        engine.say("POST", "/containers/create", {"Id": "abc", "Warnings": None}, 201)
        engine.say("POST", "/containers/abc/attach", {"message": "no"}, 500)
        engine.say("DELETE", "/containers/abc", {}, 204)
        client = connect(engine.host)
        with pytest.raises(Exception, match="joining the streams of a jail"):
            DockerJails(client, "test", owners.me()).start_jail(IMAGE, ["cat"], "x")
        client.close()
    assert [asked.method for asked in engine.asked] == ["POST", "POST", "DELETE"]


@pytest.fixture
def jails() -> Iterator[DockerJails]:
    client = connect()
    made = DockerJails(client, f"test{uuid.uuid4().hex[:8]}", owners.me())
    yield made
    left = made.sweep_jails(everything=True)
    client.close()
    assert left == []


@pytest.mark.engine
@pytest.mark.beside
@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms(jails: DockerJails, check: Callable[[Jails, str], None]) -> None:
    check(jails, IMAGE)


@pytest.mark.engine
@pytest.mark.beside
def test_whose_maker_was_killed_ends_by_itself(jails: DockerJails) -> None:
    """The streams end with their holder, so the program does, and with it the container."""
    instance = f"test{uuid.uuid4().hex[:8]}"
    script = (
        "import sys; from range.engine import owners; from range.engine.client import connect\n"
        "from range.engine.jails import DockerJails\n"
        f"jail = DockerJails(connect(), {instance!r}, owners.me()).start_jail({IMAGE!r}, sys.argv[1:], 'orphan')\n"
        "print(jail.id, flush=True); jail.receive()"
    )
    client = connect()
    try:
        for argv, tidy in ((["cat"], True), (["sleep", "60"], False)):
            with subprocess.Popen(
                [sys.executable, "-c", script, *argv], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as maker:
                assert maker.stdout is not None
                container = maker.stdout.readline().decode().strip()
                os.kill(maker.pid, signal.SIGKILL)
            if tidy:
                with contextlib.suppress(docker.errors.NotFound):
                    client.api.wait(container, timeout=20, condition="removed")
                with pytest.raises(docker.errors.NotFound):
                    client.api.inspect_container(container)
            else:
                other = DockerJails(client, instance, owners.me())
                assert other.sweep_jails() == [labels.container_name(instance, KIND_JAIL, "orphan")]
                assert other.sweep_jails(everything=True) == []
    finally:
        DockerJails(client, instance, owners.me()).sweep_jails(everything=True)
        client.close()


@pytest.mark.engine
@pytest.mark.beside
def test_a_jail_takes_what_is_read_slowly(jails: DockerJails) -> None:
    """Longer than the reader's patience: a timeout of one direction must not cut the other."""
    jail = jails.start_jail(IMAGE, ["sh", "-c", "sleep 3; wc -c"], "slow")
    try:
        sender = threading.Thread(target=lambda: (jail.send(bytes(8 << 20)), jail.finish()))
        sender.start()
        assert jail.receive().strip() == str(8 << 20).encode()
        sender.join()
    finally:
        jail.close()
