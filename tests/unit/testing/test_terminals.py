"""The pretended terminal: echoes, obeys, ends. That it is like a real one, tests/contract shows."""

from __future__ import annotations

from range.layout import Layout
from range.plan import CreateFabric, CreateNode, Ownership
from range.testing.conformance import a_layout
from range.testing.memory import MemoryEngine
from range.testing.terminals import MemoryTerminals


def terminals(layout: Layout) -> MemoryTerminals:
    engine = MemoryEngine()
    owner = Ownership("default", "test", "t", kept=True, created=0)
    engine.apply("r", owner, CreateFabric("a test"))
    engine.apply("r", owner, CreateNode(layout.node("one"), "a test"))
    return MemoryTerminals(engine)


def test_a_line_is_echoed_and_obeyed() -> None:
    made = terminals(a_layout()).open("r", "one", ["sh"], rows=24, cols=80)
    assert made.receive() == b"one$ "
    made.send(b"echo a b\r")
    assert made.receive() == b"echo a b\r\na b\r\none$ "
    made.send(b"\rstty size\r")
    assert b"\r\n24 80\r\n" in made.receive()


def test_it_ends_with_exit_and_hears_nothing_after() -> None:
    opener = terminals(a_layout())
    made = opener.open("r", "one", ["sh"], rows=24, cols=80)
    made.send(b"exit\recho more\r")
    assert made.receive() == b"one$ exit\r\n"
    assert made.receive() == b""
    assert opener.opened == [made]
    assert made.closed
