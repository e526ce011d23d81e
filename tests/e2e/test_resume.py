"""A run that was interrupted goes on with what is missing: nothing is run twice, nothing is left."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.e2e.campaign import a_campaign
from tests.e2e.terminal import Terminal, ended, said, wait_for_line
from tests.e2e.traces import look, nothing_new, output

pytestmark = [pytest.mark.engine, pytest.mark.slow]

DEPTH = ("--trials", "2", "--benign-window", "2s", "--jobs", "1", "--fresh")


def runs(terminal: Terminal) -> list[Path]:
    """The folders of all runs there are."""
    return sorted(path for path in (terminal.folder / "results").iterdir() if path.is_dir())


def trials(run: Path) -> dict[str, tuple[int, bytes]]:
    """Trial -> when its file was last written, and what it holds."""
    return {one.parent.name: (one.stat().st_mtime_ns, one.read_bytes()) for one in run.glob("trials/*/trial.json")}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill-9", "ctrl-c"])
def test_an_interrupted_run_goes_on(terminal: Terminal, number: signal.Signals) -> None:
    campaign = a_campaign(terminal, "sleep 3")
    before = look(terminal)
    process = terminal.start("run", campaign, *DEPTH)
    wait_for_line(process, "ended (1 of 4)")
    wait_for_line(process, "step 1/1")
    process.send_signal(number)
    code, rest = ended(process)
    assert code in (-9, 130), rest
    [folder] = runs(terminal)
    first = trials(folder)
    assert len(first) == 1
    assert not (folder / "result.json").exists()
    done = terminal.run("run", campaign, *DEPTH)
    assert f"resuming {folder.name}: 1 of 4 trials are there" in said(done)
    assert runs(terminal) == [folder]
    after = trials(folder)
    assert sorted(after) == ["control-1", "control-2", "defended-1", "defended-2"]
    assert {name: after[name] for name in first} == first, "what was there is not run again"
    result = json.loads((folder / "result.json").read_text())
    assert result["run"]["resumed"] == 1
    assert len({one["trial"]["id"] for one in result["judged"]}) == 4
    nothing_new(terminal, before)


def test_a_run_at_work_is_not_taken(terminal: Terminal) -> None:
    campaign = a_campaign(terminal, "sleep 20")
    before = look(terminal)
    first = terminal.start("run", campaign, *DEPTH)
    wait_for_line(first, "step 1/1")
    second = terminal.start("run", campaign, *DEPTH)
    heard = wait_for_line(second, "step 1/1")
    assert "resuming" not in heard
    assert len(runs(terminal)) == 2
    for process in (first, second):
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 130
    nothing_new(terminal, before)


INSTALL = """
- hosts: tool
  tasks:
    - name: Take a while
      ansible.builtin.command: sleep 5
"""


def test_a_tool_is_installed_once_for_all_trials_and_runs(terminal: Terminal) -> None:
    campaign = a_campaign(terminal, "true")
    manifest = terminal.folder / "watch" / "tool.yaml"
    name = terminal.instance
    manifest.write_text(manifest.read_text().replace("name: watch", f"name: {name}") + "install: install.yml\n")
    terminal.write("watch/install.yml", INSTALL)
    try:
        for turn in range(2):
            done = terminal.run("run", campaign, "--trials", "3", "--benign-window", "0s", "--fresh", "--new")
            assert done.returncode == 2, said(done)
            installed = re.findall(r"task 1 of 1: Take a while", said(done))
            assert len(installed) == (1 if turn == 0 else 0)
        kept = [path.parent.name for run in runs(terminal) for path in run.glob("installs/*/*/output.txt")]
        assert len(kept) == 1
        assert kept[0].startswith(f"{name}-install-")
        assert [len(trials(run)) for run in runs(terminal)] == [6, 6]
    finally:
        for tag in output("docker", "images", "-q", f"jointrange-tool/{name}").split():
            output("docker", "rmi", "-f", tag)
