"""A local port that leads to a node's: bytes both ways, and a port in use is told."""

from __future__ import annotations

import queue
import socket
import struct
import threading

import pytest

from range.cli.forwarding import Forward
from range.errors import Exhausted, NotFound
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from tests.unit.topologies import a_layout, up


@pytest.fixture
def board() -> MemorySwitchboard:
    engine = MemoryEngine()
    made = MemorySwitchboard(engine)
    made.listening["two", 80] = lambda asked: b"you said " + asked
    up(memory_ports(engine, made), a_layout())
    return made


def talk(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while more := client.recv(100):
            answer += more
    return answer


def test_bytes_go_both_ways_again_and_again(board: MemorySwitchboard) -> None:
    with Forward(board, "r", "two", 80, "127.0.0.1", 0) as open_port:
        assert [talk(open_port.port, word) for word in (b"a", b"b")] == [b"you said a", b"you said b"]
    with pytest.raises(OSError, match="refused"):
        talk(open_port.port, b"c")


def test_where_nobody_listens_nothing_is_opened(board: MemorySwitchboard) -> None:
    forward = Forward(board, "r", "two", 81, "127.0.0.1", 0)
    with pytest.raises(NotFound, match="nothing listens on two:81"), forward:
        pass
    with pytest.raises(OSError, match="refused"):
        talk(forward.port, b"")


def test_a_port_in_use_is_told(board: MemorySwitchboard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(Exhausted, match="in use") as caught:
            Forward(board, "r", "two", 80, "127.0.0.1", taken.getsockname()[1])
        assert "--port" in caught.value.hint


class Endless:
    """A service that says nothing until it is let go."""

    def __init__(self) -> None:
        self.heard = threading.Event()
        self.closed = threading.Event()

    def send(self, data: bytes) -> None:
        self.heard.set()

    def finish(self) -> None:
        return

    def receive(self) -> bytes:
        self.closed.wait()
        return b""

    def close(self) -> None:
        self.closed.set()


class Board:
    """Leads to one Endless after the other; the first is only tried."""

    def __init__(self) -> None:
        self.made: queue.Queue[Endless] = queue.Queue()

    def connect(self, range_id: str, node: str, port: int) -> Endless:
        made = Endless()
        self.made.put(made)
        return made


def test_a_client_that_broke_off_is_told_to_the_other_end() -> None:
    board = Board()
    with Forward(board, "r", "two", 80, "127.0.0.1", 0) as open_port:  # type: ignore[arg-type]
        client = socket.create_connection(("127.0.0.1", open_port.port), timeout=20)
        client.sendall(b"x")
        _tried, service = board.made.get(timeout=20), board.made.get(timeout=20)
        assert service.heard.wait(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert service.closed.wait(20)
