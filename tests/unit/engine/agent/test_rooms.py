"""Rooms: entered and left again, never the wrong one, and files in them written without a way out of their root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from range.engine.agent.netlink import AgentError
from range.engine.agent.rooms import Room, enter, has_own_root, write_in_root
from tests.unit.engine.agent.namespaces import Node, container_of, needs_root


def standing() -> str:
    """The network namespace this thread is in."""
    return os.readlink("/proc/thread-self/ns/net")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node("one", tmp_path)
    yield made
    made.end()


@needs_root
def test_a_room_is_entered_and_left_again(node: Node) -> None:
    home, room = standing(), Room(node.pid, node.life.container)
    with room:
        assert standing() == os.readlink(f"/proc/{node.pid}/ns/net") != home
    assert standing() == home
    with pytest.raises(ZeroDivisionError), room:
        raise ZeroDivisionError
    assert standing() == home
    inside = room.netlink()
    assert set(inside.links()) == {"lo"}
    assert standing() == home
    inside.sock.close()
    os.close(room.fd)


def test_a_process_of_another_container_is_not_entered() -> None:
    with pytest.raises(AgentError, match="is not of container f00df00df00d any more"):
        Room(os.getpid(), "f00df00df00d" + "0" * 52)


def test_a_process_that_ended_is_told() -> None:
    with pytest.raises(AgentError, match="container 0123456789ab is gone"):
        Room(2**30, "0123456789abcdef")


def test_what_is_no_namespace_is_not_entered(tmp_path: Path) -> None:
    home = standing()
    with (tmp_path / "x").open("w") as file, pytest.raises(AgentError, match="entering a namespace: Invalid argument"):
        enter(file.fileno())
    assert standing() == home


@needs_root
def test_a_file_is_overwritten_whole(node: Node) -> None:
    write_in_root(node.pid, "/etc/hosts", b"127.0.0.1 one\n")
    assert (node.root / "etc/hosts").read_bytes() == b"127.0.0.1 one\n"


@needs_root
@pytest.mark.parametrize("link", ["/outside", "../../outside", "{folder}/outside"])
def test_a_link_does_not_lead_out_of_the_nodes_root(node: Node, tmp_path: Path, link: str) -> None:
    """What the link means is looked up below the node's root: there it may be, outside it stays as it was."""
    outside, hosts = tmp_path / "outside", node.root / "etc/hosts"
    outside.write_text("not yours")
    hosts.unlink()
    hosts.symlink_to(link.format(folder=tmp_path))
    with pytest.raises(AgentError, match="writing /etc/hosts in a node: No such file"):
        write_in_root(node.pid, "/etc/hosts", b"mine")
    within = node.root / hosts.readlink().as_posix().lstrip("./")
    within.parent.mkdir(parents=True, exist_ok=True)
    within.touch()
    write_in_root(node.pid, "/etc/hosts", b"mine")
    assert (within.read_bytes(), outside.read_text()) == (b"mine", "not yours")


@needs_root
def test_nothing_is_made_that_was_not_there(node: Node) -> None:
    with pytest.raises(AgentError, match="No such file"):
        write_in_root(node.pid, "/etc/other", b"x")
    assert os.listdir(node.root / "etc") == ["hosts"]
    assert container_of(node.pid) == node.life.container


STARTING = """
import os, sys
name = os.open("/proc/self/comm", os.O_WRONLY)
os.write(name, b"runc:[2:INIT]")
print("here", flush=True)
input()
os.chroot(sys.argv[1])
os.write(name, b"program")
input()
"""
"""What the runtime is to a container: at first of its name and on the machine's root, and then neither."""


@pytest.fixture
def starting(node: Node) -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes to the node's root when it is told a line, and ends at the second."""
    command = [sys.executable, "-c", STARTING, str(node.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        yield process
        process.communicate(b"\n\n")


@needs_root
def test_a_process_that_stays_on_the_machines_root_is_not_written_into(
    node: Node, starting: subprocess.Popen[bytes]
) -> None:
    assert has_own_root(node.pid)
    assert not has_own_root(starting.pid)
    with pytest.raises(AgentError, match="no root of its own"):
        write_in_root(starting.pid, "/etc/nothing-of-that-name", b"", patience=0.05)


@needs_root
def test_one_that_is_just_being_started_is_waited_for(node: Node, starting: subprocess.Popen[bytes]) -> None:
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write_in_root, starting.pid, "/etc/hosts", b"127.0.0.1 one\n")
        with pytest.raises(TimeoutError):
            written.result(0.1)
        assert starting.stdin
        starting.stdin.write(b"\n")
        starting.stdin.flush()
        written.result()
    assert (node.root / "etc/hosts").read_bytes() == b"127.0.0.1 one\n"


@needs_root
def test_one_that_ends_meanwhile_is_waited_for_no_longer(node: Node, starting: subprocess.Popen[bytes]) -> None:
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write_in_root, starting.pid, "/etc/hosts", b"127.0.0.1 one\n")
        starting.kill()
        starting.wait()
        with pytest.raises(OSError, match="No such"):
            written.result()
