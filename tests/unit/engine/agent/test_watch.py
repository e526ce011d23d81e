"""Healing without an engine: who counts as a container's first process, and what counts as news.

tests/e2e/test_heal.py restarts real containers.
"""

from __future__ import annotations

import os
import socket

from range.engine.agent.netlink import DELLINK, NEWLINK, UP, bridge_request, link_body
from range.engine.agent.watch import LINKS, _gone, _is_first, first_processes
from tests.unit.engine.agent.namespaces import container_of, fresh, inside, needs_root, netlink


def test_this_process_is_nobodys_first() -> None:
    assert not _is_first(os.getpid())


def test_only_a_first_process_is_found_and_only_of_a_container_asked_for() -> None:
    mine = container_of(os.getpid())
    assert first_processes({mine}).get(mine) != os.getpid()
    assert first_processes({"0123456789abcdef"}) == {}
    assert first_processes(set()) == {}


@needs_root
def test_only_an_interface_that_vanishes_is_news() -> None:
    room = fresh()

    def listening() -> socket.socket:
        news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        news.bind((0, LINKS))
        return news

    with inside(room, listening) as news:
        link = netlink(room)
        link.run([(NEWLINK, 0, link_body(link.links()["lo"]["index"], UP, UP), "lo up")])
        assert not _gone(news)
        link.run([bridge_request("btest", 1500)])
        assert not _gone(news)
        link.run([(DELLINK, 0, link_body(link.links()["btest"]["index"], 0, 0), "removing")])
        assert _gone(news)
        assert not _gone(news), "news is heard once"
        link.sock.close()
    os.close(room)
