"""The same commands, asked of a real service: the same words, the same exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from range.cli.remote import _going_on
from range.exits import BAD_INPUT, GATE_FAILED, INFRASTRUCTURE, INSUFFICIENT, PASS
from tests.serving import Served
from tests.unit.cli.program import Program
from tests.unit.client.test_uploads import TOPOLOGY, a_tree


def status(remote: Program, run: str) -> str:
    """The status of a run, as `jointrange runs` has it."""
    [found] = [one["status"] for one in json.loads(remote("runs", "--json")[1]) if one["id"] == run]
    return str(found)


@pytest.fixture
def live(remote: Program) -> Iterator[Program]:
    """The program, with the range `demo` up."""
    code, out, error = remote("up", "pair", "--name", "demo", "--lease", "2h")
    assert code == PASS, out + error
    assert "+ node one from jointrange/base" in out
    assert "demo is up: 2 nodes in " in out
    yield remote
    code, out, error = remote("down", "demo")
    assert (code, out) == (PASS, "demo is gone\n"), error


def test_up_twice_does_nothing_the_second_time(live: Program) -> None:
    code, out, error = live("up", "pair", "--name", "demo")
    assert (code, out) == (PASS, "demo is as pair says; nothing to do\n"), error
    assert json.loads(live("plan", "pair", "--name", "demo", "--json")[1])["empty"] is True
    assert live("plan", "pair", "--name", "demo")[1] == "nothing to do\n"
    assert "+ fabric" in live("plan", "pair", "--name", "other")[1]
    code, _, error = live("up", "pair", "--name", "demo", "--tool", "suricata")
    assert code == BAD_INPUT
    assert "with no tool" in error


def test_listings(live: Program) -> None:
    out = live("ls")[1]
    assert out.splitlines()[0].split() == ["RANGE", "TOPOLOGY", "STATE", "NODES", "AGE", "LIFE"]
    assert out.splitlines()[1].split()[:4] == ["demo", "pair", "running", "2/2"]
    assert "2 h left" in out
    [line] = json.loads(live("ls", "--json")[1])
    assert (line["range_id"], line["state"], line["nodes"], line["running"]) == ("demo", "running", ["one", "two"], 2)
    assert "one   ready  host  jointrange/base  eth0 10.0.0.10/24" in live("inspect", "demo")[1]
    assert json.loads(live("inspect", "demo", "--json")[1])["range"]["name"] == "demo"


def test_inside(live: Program) -> None:
    assert live("exec", "demo", "one", "--", "echo", "hi") == (0, "hi\n", "")
    assert live("logs", "demo", "one")[0] == PASS
    assert "one:eth0 on lan: cut" in live("link", "set", "demo", "one:eth0", "--cut")[1]
    assert "one:eth0  lan      cut    none" in live("link", "ls", "demo")[1]
    assert "one:eth0 on lan: cut" in live("inspect", "demo")[1]
    code, _, error = live("capture", "demo", "lan", "--write", "lan.pcap", "--seconds", "0.2")
    assert code == PASS, error
    assert (live.folder / "lan.pcap").read_bytes()[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4")
    code, _, error = live("exec", "demo", "three", "--", "true")
    assert code == BAD_INPUT
    assert "three" in error


def test_lease_reset_and_events(live: Program) -> None:
    assert "demo lives until 20" in live("lease", "demo", "3h")[1]
    assert live("lease", "demo", "soon")[0] == BAD_INPUT
    assert live("reset", "demo", "one")[1] == "demo: one made anew; it is up\n"
    code, out, _ = live("events", "demo", "--count", "3")
    assert code == PASS
    assert len(out.splitlines()) == 3
    assert "range.status: status queued" in out
    told = [json.loads(line) for line in live("events", "demo", "--count", "2", "--json")[1].splitlines()]
    assert told[0]["type"] == "range.status"


def test_nobody_need_wait(remote: Program) -> None:
    code, out, _ = remote("up", "pair", "--name", "quick", "--no-wait")
    assert code == PASS
    assert "`jointrange inspect quick` shows how far it is" in out
    assert remote("down", "quick", "--no-wait")[0] == PASS
    assert remote("down", "quick", "--timeout", "60")[0] in (PASS, BAD_INPUT)
    assert remote("down", "nowhere")[0] == BAD_INPUT


def test_a_path_is_uploaded_with_its_files(remote: Program, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "motd").write_text("hello\n")
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    code, out, error = remote("plan", "./t.yaml")
    assert (code, "+ node" in out) == (PASS, True), error
    assert "mine" not in remote("document", "ls", "topology")[1], "a plan leaves nothing behind"
    code, out, error = remote("up", "./t.yaml")
    assert (code, "mine is up: 1 nodes" in out) == (PASS, True), error
    assert remote("up", "./t.yaml")[1] == "mine is as ./t.yaml says; nothing to do\n"
    assert remote("down", "mine")[0] == PASS
    (tmp_path / "t.yaml").write_text(TOPOLOGY.replace("cidr", "cider"))
    code, _, error = remote("up", "./t.yaml")
    assert code == BAD_INPUT
    assert "t.yaml:3:" in error


def test_a_campaign_by_its_path(remote: Program, tmp_path: Path) -> None:
    path = a_tree(tmp_path).relative_to(tmp_path)
    code, out, error = remote("run", f"./{path}", "--trials", "1", "--out", "here", "--json")
    assert code in (PASS, GATE_FAILED, INSUFFICIENT), out + error
    told = json.loads(out)
    assert {"pass": PASS, "fail": GATE_FAILED, "insufficient": INSUFFICIENT}[told["decision"]] == code
    assert (tmp_path / told["report"]).read_text().startswith("<!doctype html>")
    assert (tmp_path / told["bundle"]).is_file()
    assert (tmp_path / "here" / told["run_id"] / "junit.xml").is_file()
    assert remote("verify", told["bundle"])[0] == PASS
    again = remote("run", "tiny", "--trials", "1", "--out", "here")
    assert again[0] == code, again
    assert "T1595" in again[1]
    assert f"exit {code}: " in again[1]


def test_a_run_that_nobody_waits_for_is_cancelled(remote: Program, served: Served, tmp_path: Path) -> None:
    path = a_tree(tmp_path).relative_to(tmp_path)
    with served.crowded():
        code, out, error = remote("run", f"./{path}", "--no-wait", "--json")
        assert code == PASS, error
        run = json.loads(out)["run_id"]
        assert run in remote("runs")[1]
        assert status(remote, run) == "queued"
        code, out, error = remote("cancel", run)
        assert code == PASS, error
        assert run in out
        served.eventually(lambda: status(remote, run) == "cancelled")
    code, _, error = remote("run", "nowhere")
    assert code == BAD_INPUT
    code, _, error = remote("run", "./nowhere.yaml")
    assert code == BAD_INPUT


def test_what_came_of_a_run_is_fetched_later(remote: Program, tmp_path: Path) -> None:
    path = a_tree(tmp_path).relative_to(tmp_path)
    code, out, error = remote("run", f"./{path}", "--trials", "1", "--no-wait")
    assert code == PASS, error
    run = out.split()[1]
    assert f"`jointrange result {run}`" in out
    code, out, error = remote("result", run, "--out", "later", "--json")
    assert code in (PASS, GATE_FAILED, INSUFFICIENT), out + error
    told = json.loads(out)
    assert (tmp_path / told["report"]).is_file()
    assert remote("verify", told["bundle"])[0] == PASS
    code, _, error = remote("result", "run-nowhere")
    assert code == BAD_INPUT
    assert "run-nowhere" in error


def test_up_again_keeps_to_what_is_asked(live: Program) -> None:
    before = json.loads(live("ls", "--json")[1])[0]["lease_until"]
    code, _, error = live("up", "pair", "--name", "demo", "--lease", "20h")
    assert code == PASS, error
    assert json.loads(live("ls", "--json")[1])[0]["lease_until"] > before + 3600
    code, _, error = live("up", "pair", "--name", "demo", "--project", "elsewhere")
    assert code == BAD_INPUT
    assert "of no project" in error


def test_a_wait_that_is_too_long_is_told(remote: Program, served: Served) -> None:
    with served.crowded():
        code, _, error = remote("up", "pair", "--name", "slow", "--timeout", "0")
        assert code == INFRASTRUCTURE
        assert "not up after 0 s" in error
        assert remote("down", "slow")[0] == PASS


def test_ctrl_c_says_what_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt, match="run-1 goes on"), _going_on("run-1 goes on"):
        raise KeyboardInterrupt
