"""`jointrange serve` as an operator runs it: first start, a kill, a second start, an orderly end."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from range.client import Client
from range.errors import ServiceUnavailable, Unauthenticated
from range.wire import EventView, RangeRequest
from tests.e2e.crashing import until
from tests.e2e.listening import Listener
from tests.e2e.terminal import Terminal, ended, wait_for_line
from tests.e2e.traces import look, nothing_new, ours

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.timeout(180)]

UP = 60.0


@pytest.fixture
def operator(terminal: Terminal) -> Terminal:
    """A terminal with the settings of a service."""
    settings = {"JOINTRANGE_DATA": str(terminal.folder / "data"), "JOINTRANGE_LISTEN": "127.0.0.1:0"}
    return replace(terminal, extra=settings)


def served(operator: Terminal) -> tuple[subprocess.Popen[str], str, str]:
    """A service that answers: the process, its address, what it said."""
    process = operator.start("serve")
    heard = wait_for_line(process, "Application startup complete")
    url = next(word for word in heard.split() if word.startswith("http://"))
    return process, url, heard


def first_token(heard: str) -> str:
    return next(word for word in heard.split() if word.startswith("jr_"))


def compare(listener: Listener, client: Client) -> None:
    """What was heard until the range was gone is what the service has, each event once, in order."""
    until(lambda: listener.said("gone"), UP, lambda: "the end of the range was never heard")
    listener.close()
    kept = list(itertools.islice(client.events.all(after=0), len(listener.heard)))
    assert listener.heard == kept
    assert [one.seq for one in kept] == sorted({one.seq for one in kept})
    assert [one.data.get("status") for one in kept].count("gone") == 1


def test_a_service_is_killed_and_goes_on(operator: Terminal) -> None:
    before = look(operator)
    process, url, heard = served(operator)
    token = first_token(heard)
    again = replace(operator, extra={**operator.extra, "JOINTRANGE_LISTEN": url.removeprefix("http://")})
    listener = Listener(url, token, UP)
    with Client(url, token) as client:
        made = client.ranges.create(RangeRequest(topology="pair", warm=False))
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    process, _, heard = served(again)
    assert "jr_" not in heard, "a token is shown once"
    with Client(url, token) as client:
        client.wait_range(made.id, "up", UP)
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    assert len(ours(operator.instance)) == 3
    process, _, _ = served(again)
    refused = operator.run("serve", "--listen", url.removeprefix("http://"))
    assert refused.returncode == 4, "the port is taken"
    assert "another may be there already" in refused.stderr
    with Client(url, token[:-1] + ("a" if token[-1] != "a" else "b")) as stranger, pytest.raises(Unauthenticated):
        list(stranger.ranges.all())
    assert (os.stat(operator.folder / "data").st_mode & 0o077) == 0, "others on this machine read no rows"
    with Client(url, token) as client:
        assert client.wait_range(made.id, "up", UP).status == "up"
        assert client.ranges.exec(made.id, "one", "hostname").text.strip() == "one"
        client.ranges.destroy(made.id)
        assert client.wait_range(made.id, "gone", UP).status == "gone"
        compare(listener, client)
    process.send_signal(signal.SIGTERM)
    code, rest = ended(process)
    assert code == 0, rest
    nothing_new(operator, before)


def test_an_orderly_end_waits_for_nobody_who_listens(operator: Terminal) -> None:
    process, url, heard = served(operator)
    told: list[EventView] = []
    first = threading.Event()

    def listen() -> None:
        with Client(url, first_token(heard), patience=1) as client:
            for event in _until_gone(client):
                told.append(event)
                first.set()

    thread = threading.Thread(target=listen)
    thread.start()
    with Client(url, first_token(heard)) as client:
        made = client.ranges.create(RangeRequest(topology="pair", warm=False))
        client.wait_range(made.id, "up", UP)
        assert first.wait(10)
        client.ranges.destroy(made.id)
        client.wait_range(made.id, "gone", UP)
    process.send_signal(signal.SIGTERM)
    code, rest = ended(process)
    thread.join(30)
    assert not thread.is_alive()
    assert code == 0, rest
    assert [event.seq for event in told] == sorted({event.seq for event in told})
    assert any(event.data.get("status") == "gone" for event in told)


def _until_gone(client: Client) -> Iterator[EventView]:
    """Events until the service is no more."""
    try:
        yield from client.events.all(after=0)
    except ServiceUnavailable:
        return
