"""The exchange answers what is asked in frames, however hostile, and keeps within its limits."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.errors import EngineFault
from range.ports import ExecResult
from range.provisioner import exchange
from range.provisioner.broker import LENGTH, Broker, until, written
from range.provisioner.exchange import BUSY_MOST, FRAMES_MOST, OPEN_MOST, Exchange, taken_apart
from range.provisioner.hearing import Nonsense
from range.provisioner.relay import CALL, CHUNK, HANGUP, HEAD, INPUT, OUTPUT, frames
from tests.unit.provisioner.fakes import LocalHost


class Script:
    """A duplex that says what it is told to, piece by piece, then waits for `patience` sendings, and ends."""

    def __init__(self, said: Iterable[bytes], answers: int = 0) -> None:
        self.said = iter(said)
        self.sent = bytearray()
        self.answers = answers
        self.news = threading.Condition()

    def send(self, data: bytes) -> None:
        with self.news:
            self.sent += data
            self.news.notify_all()

    def finish(self) -> None:
        pass

    def receive(self) -> bytes:
        piece = next(self.said, b"")
        if not piece:
            with self.news:
                assert self.news.wait_for(lambda: len(self.replies()) >= self.answers, 20), self.replies()
        return piece

    def close(self) -> None:
        pass

    def replies(self) -> dict[int, dict[str, Any]]:
        """Number -> header of what was answered."""
        calls: dict[int, bytes] = {}
        for kind, number, data in taken_apart(Fixed(bytes(self.sent))):
            if kind == CALL:
                calls[number] = calls.get(number, b"") + data
        found = {}
        for number, data in calls.items():
            end = LENGTH.size + (LENGTH.unpack_from(data)[0] if len(data) >= LENGTH.size else 0)
            with contextlib.suppress(ValueError):  # not whole yet
                found[number] = json.loads(data[LENGTH.size : end])
        return found


class Fixed(Script):
    """Bytes, and the end."""

    def __init__(self, data: bytes) -> None:
        super().__init__([data])

    def receive(self) -> bytes:
        return next(self.said, b"")


def ask(number: int, body: bytes = b"", **header: Any) -> bytes:
    return frames(CALL, number, written({"host": "web", **header}, body))


def run(script: Script, host: Any = None, hear: Any = lambda data: False, parcel: bytes = b"") -> str:
    return Exchange(script, Broker({"web": host or LocalHost()}, until(None)), hear).run(io.BytesIO(parcel))


def test_the_parcel_is_given_whole_with_its_end() -> None:
    script = Script([])
    assert run(script, parcel=b"p" * (3 << 20)) == ""
    given = [(kind, data) for kind, _, data in taken_apart(Fixed(bytes(script.sent)))]
    assert b"".join(data for _, data in given) == b"p" * (3 << 20)
    assert {kind for kind, _ in given} == {INPUT}
    assert given[-1] == (INPUT, b"")


def test_requests_are_answered_each_to_its_own() -> None:
    data = b"".join(ask(number, op="exec", command=f"exit {number}") for number in (1, 2, 3))
    script = Script([data[:20], data[20:21], data[21:]], answers=3)
    assert run(script) == ""
    assert {number: answer["code"] for number, answer in script.replies().items()} == {1: 1, 2: 2, 3: 3}
    assert sum(kind == HANGUP for kind, _, _ in taken_apart(Fixed(bytes(script.sent)))) == 3


def test_the_last_word_ends_it_without_the_rest() -> None:
    script = Script([frames(OUTPUT, 0, b"one") + frames(OUTPUT, 0, b"two") + frames(99, 0, b"")])
    heard: list[bytes] = []

    def hear(data: bytes) -> bool:
        heard.append(data)
        return data == b"two"

    assert run(script, hear=hear) == ""
    assert heard == [b"one", b"two"]


@pytest.mark.parametrize("kind", [0, INPUT, 5, 255])
def test_another_kind_of_frame_is_told(kind: int) -> None:
    assert "no such kind" in run(Script([frames(kind, 0, b"x")]))


def test_what_hears_nonsense_says_so() -> None:
    def hear(data: bytes) -> bool:
        raise Nonsense("too loud")

    assert run(Script([frames(OUTPUT, 0, b"x")]), hear=hear) == "too loud"


def test_a_bad_request_is_answered_and_the_next_one_too() -> None:
    script = Script([frames(CALL, 1, LENGTH.pack(1 << 31)), ask(2, op="exec", command="true")], answers=2)
    assert run(script) == ""
    assert "this is no request" in script.replies()[1]["error"]
    assert script.replies()[2]["code"] == 0


def test_a_connection_too_many_ends_it() -> None:
    half = [frames(CALL, number, b"\0\0") for number in range(1, OPEN_MOST + 1)]
    last = ask(7777, op="exec", command="true")
    assert run(Script([*half, frames(HANGUP, 1, b""), last], answers=1)) == ""
    assert f"more than {OPEN_MOST} connections" in run(Script([*half, last]))


class Stuck(LocalHost):
    """A host that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def exec(self, argv: Any, timeout: float | None) -> ExecResult:
        assert self.let.wait(20)
        return ExecResult(0, b"", b"", 0, 0)


def test_more_than_enough_at_once_is_refused() -> None:
    host = Stuck()

    def said() -> Iterable[bytes]:
        yield b"".join(ask(number, op="exec", command="true") for number in range(1, BUSY_MOST + 2))
        host.let.set()

    script = Script(said(), answers=BUSY_MOST + 1)
    assert run(script, host) == ""
    replies = script.replies()
    assert replies.pop(BUSY_MOST + 1) == {"error": f"more than {BUSY_MOST} requests at once", "size": 0}
    assert {answer["code"] for answer in replies.values()} == {0}


def test_more_bytes_than_are_allowed_end_it() -> None:
    def said() -> Iterable[bytes]:
        whole = written({"host": "web"}, bytes(4 << 20))
        for number in range(1, 200):
            yield frames(CALL, number, whole[:-1])

    assert f"more than {exchange.HELD_MOST >> 20} MiB" in run(Script(said()))


class Deaf(Script):
    """It takes its parcel, asks and asks, and takes no answer until it is let."""

    def __init__(self, said: Iterable[bytes]) -> None:
        super().__init__(said)
        self.let = threading.Event()

    def send(self, data: bytes) -> None:
        if HEAD.unpack_from(data)[0] != INPUT:
            assert self.let.wait(20)

    def receive(self) -> bytes:
        return next(self.said, b"")


class Large(LocalHost):
    """A host with long answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Semaphore(0)

    def exec(self, argv: Any, timeout: float | None) -> ExecResult:
        self.asked.release()
        return ExecResult(0, bytes(1 << 20), b"", 0, 0)


def test_answers_that_nobody_takes_do_not_pile_up() -> None:
    """Else a deaf container would make us hold as many answers, each with a thread, as it likes to ask for."""
    host = Large()
    script = Deaf(ask(number, op="exec", command="true") for number in range(1, 10 * BUSY_MOST))
    runner = threading.Thread(target=run, args=(script, host))
    runner.start()
    try:
        for _ in range(BUSY_MOST):
            assert host.asked.acquire(timeout=20)
        assert not host.asked.acquire(timeout=0.5), "one more was answered than may be held"
    finally:
        script.let.set()
        runner.join(20)
    assert not runner.is_alive()


def test_what_was_asked_before_the_end_is_not_begun_after_it() -> None:
    class Silent(Broker):
        def answer(self, header: Any, body: bytes) -> tuple[dict[str, Any], bytes]:
            raise AssertionError("the run was over")

    script = Script([])
    made = Exchange(script, Silent({"web": LocalHost()}, until(None)), lambda data: False)
    assert made.run(io.BytesIO()) == ""
    made._answer(object(), 1, {"host": "web", "op": "exec", "command": "true"}, b"")
    assert script.replies()[1] == {"error": "the run is over", "size": 0}


class Broken(LocalHost):
    """A host whose engine has a fault nobody foresaw."""

    def write(self, files: Any) -> None:
        raise ValueError("an impossible path")


def test_an_answer_always_comes() -> None:
    script = Script([ask(1, op="put", path="/x")], answers=1)
    assert run(script, Broken()) == ""
    assert "an impossible path" in script.replies()[1]["error"]


class Gone(Script):
    def send(self, data: bytes) -> None:
        raise EngineFault("a jail has ended")


def test_a_container_that_is_gone_is_told() -> None:
    assert run(Gone([]), parcel=b"x") == "its container ended before it began"


def test_a_frame_too_long_or_too_many_is_told() -> None:
    with pytest.raises(Nonsense, match=f"a frame of {CHUNK + 1} bytes"):
        list(taken_apart(Fixed(HEAD.pack(OUTPUT, 0, CHUNK + 1))))
    with pytest.raises(Nonsense, match=f"more than {FRAMES_MOST} frames"):
        list(taken_apart(Fixed(frames(CALL, 1, b"") * (FRAMES_MOST + 1))))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50))), st.integers(1, 9))
def test_frames_are_taken_apart_however_they_come(sent: list[tuple[int, int, bytes]], step: int) -> None:
    data = b"".join(frames(*one) for one in sent)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert list(taken_apart(Script(pieces))) == sent


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=9))
def test_no_noise_breaks_it(noise: list[bytes]) -> None:
    assert isinstance(run(Script(noise)), str)
