"""The records of the pretended world: a plain shell's answers, and streams."""

from __future__ import annotations

import threading

from range.testing.world import PCAP_HEADER, FixedStream, FollowStream, MemoryNode, plain, said
from tests.unit.topologies import OWNERSHIP, a_layout


def a_node() -> MemoryNode:
    return MemoryNode(a_layout().node("one"), "", OWNERSHIP, files={"/f": b"content"})


def test_a_plain_shell() -> None:
    node = a_node()
    assert plain(node, ["echo", "a", "b"], {}).stdout == b"a b\n"
    assert plain(node, ["cat", "/f"], {}).stdout == b"content"
    assert plain(node, ["cat", "/g"], {}).exit_code == 1
    assert plain(node, ["printenv", "A"], {"A": "b"}).stdout == b"b\n"
    assert plain(node, ["printenv", "A"], {}).exit_code == 1
    assert plain(node, ["sleep", "3"], {}).end == 3
    assert (plain(node, ["true"], {}).exit_code, plain(node, ["false"], {}).exit_code) == (0, 1)


def test_a_followed_file_gives_what_is_added_until_closed() -> None:
    node, news = a_node(), threading.Condition()
    stream = FollowStream(node, "/f", news)
    chunks = iter(stream)
    assert next(chunks) == b"content"
    node.files["/f"] += b" and more"
    assert next(chunks) == b" and more"
    stream.close()
    assert list(chunks) == []


def test_fixed_output_ends_or_goes_on() -> None:
    assert list(FixedStream([b"a", b"b"])) == [b"a", b"b"]
    endless = FixedStream([b"a"], goes_on=True)
    chunks = iter(endless)
    assert next(chunks) == b"a"
    endless.close()
    assert list(chunks) == []


def test_words_and_headers() -> None:
    assert said("x", "y", 2, 1.5).end == 1.5
    assert len(PCAP_HEADER) == 24
