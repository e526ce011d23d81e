"""Channels: frames cut anywhere are put together again, deadlines end them, and both ends are let go."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from range.engine.channel import LIMIT, Channel, run


class Api:
    """The engine's side: a socket that a test writes frames into."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.code: int | None = 0
        self.running = True

    def exec_create(self, *_: Any, **__: Any) -> dict[str, str]:
        return {"Id": "exec-1"}

    def exec_start(self, *_: Any, **__: Any) -> socket.socket:
        return self.theirs

    def exec_inspect(self, _id: str) -> dict[str, int | None]:
        return {"ExitCode": self.code, "Running": self.running}


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.ours.close()
    made.theirs.close()


def open_channel(api: Api) -> Channel:
    return Channel(SimpleNamespace(api=api), "container", ["x"])  # type: ignore[arg-type]


def test_frames_come_back_whole_however_they_were_cut(api: Api) -> None:
    channel = open_channel(api)
    data = frame(1, b"hello") + frame(2, b"oh") + frame(1, b" world")

    def drip() -> None:
        for byte in data:
            api.ours.sendall(bytes([byte]))
        api.ours.close()

    writer = threading.Thread(target=drip)
    writer.start()
    api.code = 3
    ended = run(channel, 20, lambda: None)
    writer.join()
    assert (ended.exit_code, ended.stdout, ended.stderr, ended.timed_out) == (3, b"hello world", b"oh", False)
    assert channel.closed


def test_at_its_deadline_a_command_is_killed_and_what_it_said_kept(api: Api) -> None:
    channel = open_channel(api)
    api.ours.sendall(frame(1, b"so far"))
    killed: list[bool] = []

    def kill() -> None:
        killed.append(True)
        api.ours.sendall(frame(1, b", and a last word"))
        api.ours.close()

    ended = run(channel, 0.05, kill)
    assert killed == [True]
    assert (ended.exit_code, ended.timed_out) == (None, True)
    assert ended.stdout == b"so far, and a last word"


def test_too_much_output_is_cut_and_said(api: Api) -> None:
    channel = open_channel(api)

    def flood() -> None:
        for _ in range(6):
            api.ours.sendall(frame(1, bytes(1 << 20)))
        api.ours.close()

    writer = threading.Thread(target=flood)
    writer.start()
    ended = run(channel, 20, lambda: None)
    writer.join()
    assert ended.truncated
    assert len(ended.stdout) == LIMIT


def test_closing_ends_a_reader_and_may_be_done_twice(api: Api) -> None:
    channel = open_channel(api)
    ended = threading.Event()

    def read() -> None:
        assert list(channel.frames()) == []
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    channel.close()
    channel.close()
    assert ended.wait(20)


@pytest.mark.parametrize("cut", [3, 8, 11])
def test_a_frame_cut_by_the_deadline_is_still_read_whole(api: Api, cut: int) -> None:
    """Its beginning came before the deadline, its rest after: nothing of it may be taken for another frame's head."""
    channel, data = open_channel(api), frame(1, b"one word")
    api.ours.sendall(data[:cut])

    def kill() -> None:
        api.ours.sendall(data[cut:] + frame(2, b"killed"))
        api.ours.close()

    ended = run(channel, 0.05, kill)
    assert (ended.stdout, ended.stderr, ended.timed_out) == (b"one word", b"killed", True)


def test_a_deadline_of_one_reader_is_none_of_the_next(api: Api) -> None:
    channel = open_channel(api)
    with pytest.raises(TimeoutError):
        next(channel.frames(time.monotonic() + 0.02))
    timer = threading.Timer(0.2, api.ours.sendall, [frame(1, b"late")])
    timer.start()
    assert next(channel.frames()) == (1, b"late")
    timer.join()
    channel.close()


def test_a_stream_that_the_engine_never_ends_is_over_once_its_command_is(api: Api) -> None:
    """Removing a container may leave its streams open for ever; whoever reads one must not wait with it."""
    channel = open_channel(api)
    api.ours.sendall(frame(1, b"last words"))
    api.running = False
    assert list(channel.frames()) == [(1, b"last words")]
    channel.close()


def test_a_command_is_stopped_and_what_it_said_kept(api: Api) -> None:
    """Neither its deadline nor a word of its own ended it."""
    channel, stop = open_channel(api), threading.Event()
    api.ours.sendall(frame(1, b"so far"))

    def kill() -> None:
        api.ours.sendall(frame(1, b", and a last word"))
        api.ours.close()

    timer = threading.Timer(0.1, stop.set)
    timer.start()
    ended = run(channel, 5, kill, stop)
    timer.join()
    assert (ended.exit_code, ended.timed_out) == (None, False)
    assert ended.stdout == b"so far, and a last word"


def test_who_can_be_stopped_still_asks_whether_the_command_goes_on(api: Api) -> None:
    channel = open_channel(api)
    api.running = False
    assert list(channel.frames(None, threading.Event())) == []
    channel.close()
