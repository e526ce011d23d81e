"""Every command of the program on a real range, as a user types it."""

from __future__ import annotations

import json
import re
import signal
import struct
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.campaign import a_campaign, a_pair
from tests.e2e.terminal import Terminal, said, wait_for_line
from tests.e2e.traces import ours
from tests.unit.catalogue.test_attack import a_bundle

pytestmark = [pytest.mark.engine, pytest.mark.beside]

SERVE = """
    start:
      - "echo about to serve"
      - {run: "cd /srv && echo from two > index.html && exec python3 -m http.server 8000", background: true}
    ready: [{http: ":8000/index.html"}]
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with the range `pair` up, its second node serving HTTP, for every test of this file."""
    folder = tmp_path_factory.mktemp("cli")
    terminal = Terminal(folder, f"cli-{uuid.uuid4().hex[:8]}")
    path = Path(folder, a_pair(terminal, ""))
    path.write_text(path.read_text().replace("  two: {}\n", f"  two: {SERVE}"))
    up = terminal.run("up", "./pair.yaml")
    assert up.returncode == 0, said(up)
    yield terminal
    terminal.close()
    terminal.run("down", "pair", check=True)
    assert ours(terminal.instance) == []


def listing(live: Terminal, *words: str) -> object:
    """What a command with --json prints: JSON and nothing else."""
    return json.loads(live.run(*words, "--json", check=True).stdout)


def test_every_listing_is_json(live: Terminal) -> None:
    [line] = listing(live, "ls")  # type: ignore[misc]
    assert (line["range_id"], line["state"], line["nodes"], line["kept"]) == ("pair", "running", ["one", "two"], True)
    seen = listing(live, "inspect", "pair")
    assert {node["name"] for node in seen["observed"]["nodes"]} == {"one", "two"}  # type: ignore[index]
    assert [end["node"] for end in seen["links"]] == ["one", "two"]  # type: ignore[index]
    assert [cable["up"] for cable in listing(live, "link", "ls", "pair")] == [True, True]  # type: ignore[attr-defined]
    assert listing(live, "plan", "./pair.yaml")["empty"] is True  # type: ignore[index]
    assert "pair" in {one["name"] for one in listing(live, "topology", "ls")}  # type: ignore[attr-defined]
    assert listing(live, "topology", "check", "./pair.yaml")["topology"] == "pair"  # type: ignore[index]
    assert "base" in listing(live, "images", "ls")  # type: ignore[operator]
    assert listing(live, "sweep") == {"removed": []}


def test_listings_for_people(live: Terminal) -> None:
    assert re.search(r"pair +pair +running +2/2 .* kept", live.run("ls", check=True).stdout)
    shown = live.run("inspect", "pair", check=True).stdout
    assert re.search(r"one +ready +host +jointrange/base +eth0 10\.0\.0\.", shown)
    assert re.search(r"one:eth0 +lan +up +none", live.run("link", "ls", "pair", check=True).stdout)


def test_a_plan_in_words(live: Terminal) -> None:
    shown = live.run("plan", "./pair.yaml", "--name", "another", check=True).stdout
    lines = shown.splitlines()
    assert lines[0].startswith("+ fabric")
    assert lines[1].startswith("+ node one from jointrange/base")
    assert any(line.startswith("~ wire 2 cables of 2 nodes") for line in lines)
    assert any(line.startswith("> start two") for line in lines)
    assert live.run("plan", "./pair.yaml", check=True).stdout == "nothing to do\n"
    assert len(ours(live.instance)) == 3, "a plan made something"


def test_exec_is_the_command(live: Terminal) -> None:
    """Its output, its errors, its exit code; 124 when it was killed, with all it had started."""
    ended = live.run("exec", "pair", "one", "--", "sh", "-c", "echo out; echo wrong >&2; exit 42")
    assert (ended.returncode, ended.stdout, ended.stderr) == (42, "out\n", "wrong\n")
    assert live.run("exec", "pair", "one", "--", "true").returncode == 0
    assert live.run("exec", "pair", "one", "--", "no-such-command").returncode in (126, 127)
    script = "setsid sleep 4242 & sh -c 'sleep 4243' & sleep 4244"
    ended = live.run("exec", "--timeout", "1", "pair", "one", "--", "sh", "-c", script)
    assert ended.returncode == 124
    assert "sleep 424" not in live.run("exec", "pair", "one", "--", "ps", "axo", "args", check=True).stdout
    assert live.run("exec", "--user", "nobody", "pair", "one", "--", "id", "-un").stdout == "nobody\n"


def test_logs_have_what_the_start_commands_said(live: Terminal) -> None:
    assert "about to serve" in live.run("logs", "pair", "two", check=True).stdout
    assert len(live.run("logs", "pair", "two", "--tail", "1", check=True).stdout.splitlines()) <= 1


def packets(pcap: bytes) -> list[bytes]:
    """The packets of a pcap file."""
    magic, major, minor, _, _, _, kind = struct.unpack_from("<IHHiIII", pcap)
    assert (magic, major, minor, kind) == (0xA1B2C3D4, 2, 4, 1)
    found, at = [], 24
    while at < len(pcap):
        size = struct.unpack_from("<IIII", pcap, at)[2]
        found.append(pcap[at + 16 : at + 16 + size])
        at += 16 + size
    assert at == len(pcap), "the last packet is torn"
    return found


def test_a_capture_is_a_pcap_of_what_was_sent(live: Terminal) -> None:
    """Three pings are three requests and three answers; Ctrl-C ends a capture well."""
    capture = live.start("capture", "pair", "lan", "--write", "lan.pcap", "--filter", "icmp")
    path, deadline, pause = live.folder / "lan.pcap", time.monotonic() + 30, threading.Event()
    while not path.exists() or path.stat().st_size < 24:
        assert time.monotonic() < deadline, "the capture never began"
        pause.wait(0.05)
    live.run("exec", "pair", "one", "--", "ping", "-c3", "-i0.2", "two", check=True)
    while len(packets(path.read_bytes())) < 6:
        assert time.monotonic() < deadline, "packets are missing"
        pause.wait(0.05)
    capture.send_signal(signal.SIGINT)
    text, _ = capture.communicate(timeout=30)
    assert capture.returncode == 0, text
    assert [packet[23] for packet in packets(path.read_bytes())] == [1] * 6
    left = live.run("exec", "pair", "one", "--", "ps", "ax").stdout
    assert "tcpdump" not in left


def test_a_capture_ends_by_itself(live: Terminal) -> None:
    ended = live.run("capture", "pair", "lan", "--write", "short.pcap", "--seconds", "1")
    assert ended.returncode == 0, said(ended)
    packets((live.folder / "short.pcap").read_bytes())


def test_forward_brings_a_page_here(live: Terminal) -> None:
    process = live.start("forward", "pair", "two:8000")
    line = wait_for_line(process, "Ctrl-C ends it")
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    for _ in range(3):
        with urllib.request.urlopen(found.group() + "index.html", timeout=20) as answer:
            assert (answer.status, answer.read()) == (200, b"from two\n")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest


def ping(live: Terminal, *words: str) -> int:
    return live.run("exec", "pair", "one", "--", "ping", "-c1", "-W1", *words, "two").returncode


def test_a_link_is_cut_impaired_and_restored(live: Terminal) -> None:
    assert ping(live) == 0
    assert "cut" in live.run("link", "set", "pair", "two:eth0", "--cut", check=True).stdout
    assert ping(live) != 0
    assert "two:eth0 on lan: cut" in live.run("inspect", "pair", check=True).stdout
    live.run("link", "set", "pair", "two:eth0", "--rate", "200kbit", check=True)
    assert ping(live) == 0
    ended = live.run("exec", "pair", "two", "--", "sh", "-c", "head -c 100000 /dev/zero > /srv/blob", check=True)
    curl = ["curl", "-sS", "-o/dev/null", "-w%{time_total}", "http://two:8000/blob"]
    slow = float(live.run("exec", "pair", "one", "--", *curl, check=True).stdout)
    assert slow > 2, f"100 kB at 200 kbit/s take 4 s, not {slow}"
    state = listing(live, "link", "set", "pair", "two:eth0", "--restore")
    assert (state["up"], state.get("impair")) == (True, None)  # type: ignore[index,attr-defined]
    fast = float(live.run("exec", "pair", "one", "--", *curl, check=True).stdout)
    assert fast < slow / 3
    assert ended.returncode == 0


def test_a_campaign_from_end_to_end(terminal: Terminal) -> None:
    """A step without effect proves nothing: exit code 2, a result and a report all the same, and nothing left."""
    attack = terminal.write("attack.json", json.dumps(a_bundle()))
    ended = terminal.run("run", a_campaign(terminal, "echo hello"), "--attack", attack, "--json", "--out", "here")
    assert ended.returncode == 2, said(ended)
    told = json.loads(ended.stdout)
    assert told["decision"] == "insufficient"
    result = json.loads((terminal.folder / told["result"]).read_text())
    assert result["run"]["campaign"] == "tiny"
    assert result["table"]["techniques"]["T1595"]["name"] == "Active Scanning"
    layers = json.loads((terminal.folder / told["result"]).with_name("navigator.json").read_text())
    assert {layer["versions"]["attack"] for layer in layers} == {"19"}
    again = terminal.run("rescore", told["bundle"])
    assert "equal: " in again.stdout, said(again)
    assert (terminal.folder / told["report"]).read_text().startswith("<!doctype html>")
    assert ours(terminal.instance) == []
