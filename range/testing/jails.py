"""Jails in memory, and what every implementation of ports.Jails must do.

Knows: `cat`, the one program a pretended jail can run, and how a jail behaves to whoever holds it.
Must never: start a process or a container of its own.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from range.errors import EngineFault, ImageMissing
from range.ports import Jail, Jails


class MemoryJails:
    """ports.Jails. `images` are those that are here; `dead` are names of jails whose maker is no more."""

    def __init__(self, images: Sequence[str] = ("jointrange/ansible",)) -> None:
        self.images = set(images)
        self.running: dict[str, MemoryJail] = {}
        self.dead: set[str] = set()

    def start_jail(self, reference: str, argv: Sequence[str], name: str) -> MemoryJail:
        """A jail in which `argv` runs, which must be `cat`, with or without a file that is not there."""
        if reference not in self.images:
            raise ImageMissing(f"there is no image {reference}", hint="`jointrange images build` makes our own")
        jail = MemoryJail(argv, lambda: self._gone(name))
        self.running[name] = jail
        return jail

    def _gone(self, name: str) -> None:
        self.running.pop(name, None)

    def sweep_jails(self, *, everything: bool = False) -> list[str]:
        """Those in `dead`, or all."""
        gone = sorted(name for name in self.running if everything or name in self.dead)
        for name in gone:
            self.running[name].close()
        return gone


class MemoryJail:
    """ports.Jail: a `cat`."""

    def __init__(self, argv: Sequence[str], gone: Callable[[], None]) -> None:
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._words = f"cat: {argv[1]}: No such file or directory" if len(argv) > 1 else ""
        self._ended = threading.Event()
        self._gone = gone
        if self._words:
            self._end()

    def send(self, data: bytes) -> None:
        """Comes back. Raises EngineFault: it has ended."""
        if self._ended.is_set():
            raise EngineFault("a jail has ended, and takes nothing any more")
        self._said.put(data)

    def finish(self) -> None:
        """The end of what is copied."""
        self._end()

    def receive(self) -> bytes:
        """What was sent; empty at the end."""
        data = self._said.get()
        if not data:
            self._said.put(b"")
        return data

    def errors(self) -> str:
        """What `cat` complained of."""
        return self._words

    def close(self) -> None:
        """Remove it."""
        self._end()
        self._gone()

    def _end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._said.put(b"")


# --- what every implementation must do; `image` is one that is here ---------------------------------------------


def what_goes_in_comes_out(jails: Jails, image: str) -> None:
    """Every byte, in order, however much; then the end."""
    jail = jails.start_jail(image, ["cat"], "copy")
    content = bytes(number % 251 for number in range(1 << 20))
    try:
        sender = threading.Thread(target=_give, args=(jail, content))
        sender.start()
        seen = _all(jail)
        sender.join()
        assert seen == content
    finally:
        jail.close()
        jail.close()
    assert jails.sweep_jails(everything=True) == []


def its_last_words_are_kept(jails: Jails, image: str) -> None:
    """Standard error stands apart from standard output."""
    jail = jails.start_jail(image, ["cat", "/nowhere"], "words")
    try:
        assert _all(jail) == b""
        assert "/nowhere: No such file" in jail.errors()
    finally:
        jail.close()


def closing_ends_whoever_listens(jails: Jails, image: str) -> None:
    """From another thread, as a deadline does it."""
    jail = jails.start_jail(image, ["cat"], "closed")
    ender = threading.Timer(0.2, jail.close)
    ender.start()
    assert _all(jail) == b""
    ender.join()
    assert jails.sweep_jails(everything=True) == []


def only_everything_sweeps_the_living(jails: Jails, image: str) -> None:
    """Its maker lives, so a sweep leaves it alone."""
    jail = jails.start_jail(image, ["cat"], "swept")
    try:
        assert jails.sweep_jails() == []
        jail.send(b"alive")
        assert jail.receive() == b"alive"
        (name,) = jails.sweep_jails(everything=True)
        assert "swept" in name
        assert _all(jail) == b""
    finally:
        jail.close()


def an_image_that_is_not_here_is_told(jails: Jails, image: str) -> None:
    """ImageMissing, and nothing is left."""
    try:
        jails.start_jail(f"{image}-that-nobody-made", ["cat"], "none")
    except ImageMissing:
        assert jails.sweep_jails(everything=True) == []
    else:
        raise AssertionError("a jail was made from nothing")


CHECKS: tuple[Callable[[Jails, str], None], ...] = (
    what_goes_in_comes_out,
    its_last_words_are_kept,
    closing_ends_whoever_listens,
    only_everything_sweeps_the_living,
    an_image_that_is_not_here_is_told,
)


def _give(jail: Jail, content: bytes) -> None:
    jail.send(content)
    jail.finish()


def _all(jail: Jail) -> bytes:
    seen = bytearray()
    while data := jail.receive():
        seen += data
    return bytes(seen)
