"""Playbooks run to their end through relay and broker, without an engine: hosts and jail are processes of this machine.

The modules used here write into the test's own folder only. What a jail keeps out is in tests/engine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from range.errors import ProvisionFailed, Refused
from range.provisioner.ansible import AnsibleProvisioner, Run, failure, play, tool_image
from range.provisioner.hearing import PART_MOST, Hearing
from range.provisioner.room import Room
from range.provisioner.tree import read_tree
from tests.unit.provisioner.fakes import DeadHost, LocalHost, ProcessJail, ProcessJails, Shelf, a_tool

PLAYBOOK = """\
- hosts: tool
  tasks:
    - name: Count up
      ansible.builtin.command: {argv: [sh, -c, "echo {{ node_name }} >> {{ folder }}/log"]}
    - name: Look at it
      ansible.builtin.command: cat {{ folder }}/log
"""


def a_run(tmp_path: Path, playbook: str, seconds: float = 60, **hosts: Any) -> Run:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "install.yml").write_text(playbook)
    targets = hosts or {"web": LocalHost()}
    return Run(
        tool=a_tool(),
        folder=folder,
        playbook="install.yml",
        hosts={name: {"node_name": name} for name in targets},
        variables={
            "folder": str(tmp_path),
            "ansible_connection": "jointrange",
            "ansible_python_interpreter": "/usr/bin/python3",
        },
        targets=targets,
        evidence=tmp_path / "evidence",
        seconds=seconds,
    )


@pytest.fixture
def jails(tmp_path: Path) -> Iterator[ProcessJails]:
    made = ProcessJails(tmp_path / "jails")
    yield made
    ended = [jail.process.poll() for jail in made.made]
    made.free()
    assert None not in ended, "a jail outlived its run"


def go(run: Run, jails: ProcessJails, stop: threading.Event | None = None) -> list[str]:
    said: list[str] = []
    play(run, read_tree(run.folder), 2, stop or threading.Event(), said.append, lambda: jails.start_jail("", [], ""))
    return said


def a_provisioner(shelf: Shelf, jails: ProcessJails) -> AnsibleProvisioner:
    return AnsibleProvisioner(None, shelf, shelf, jails)  # type: ignore[arg-type]


def test_a_playbook_runs_on_its_hosts_and_says_so(tmp_path: Path, jails: ProcessJails) -> None:
    said = go(a_run(tmp_path, PLAYBOOK, web=LocalHost(), db=LocalHost()), jails)
    assert sorted((tmp_path / "log").read_text().split()) == ["db", "web"]
    assert said == ["probe: task 1 of 2: Count up", "probe: task 2 of 2: Look at it"]


def test_a_task_costs_one_command(tmp_path: Path, jails: ProcessJails) -> None:
    host = LocalHost()
    go(a_run(tmp_path, PLAYBOOK, web=host), jails)
    assert len(host.commands) == 2
    assert host.written == []


def test_what_was_said_is_kept_and_nothing_else(tmp_path: Path, jails: ProcessJails) -> None:
    run = a_run(tmp_path, PLAYBOOK)
    go(run, jails)
    assert sorted(path.name for path in run.evidence.iterdir()) == ["events.jsonl", "output.txt"]
    assert "TASK [Look at it]" in (run.evidence / "output.txt").read_text()
    events = [json.loads(line) for line in (run.evidence / "events.jsonl").read_text().splitlines()]
    assert {"playbook_on_task_start", "runner_on_ok"} <= {event["event"] for event in events}
    assert not list(Path(tempfile.gettempdir()).glob(f"jointrange-run-{os.getpid()}-*"))


def test_a_failing_task_is_named_with_its_own_words(tmp_path: Path, jails: ProcessJails) -> None:
    playbook = PLAYBOOK + "    - name: Break\n      ansible.builtin.command: sh -c 'echo no such rule >&2; exit 9'\n"
    run = a_run(tmp_path, playbook)
    with pytest.raises(ProvisionFailed) as caught:
        go(run, jails)
    assert (caught.value.host, caught.value.task) == ("web", "Break")
    assert "install.yml failed on web in task 'Break'" in str(caught.value)
    assert "no such rule" in str(caught.value)
    assert str(run.evidence) in caught.value.hint


def test_an_ignored_failure_is_none(tmp_path: Path, jails: ProcessJails) -> None:
    go(
        a_run(tmp_path, "- hosts: tool\n  tasks:\n    - ansible.builtin.command: 'false'\n      ignore_errors: true\n"),
        jails,
    )


def test_a_playbook_that_cannot_be_read_is_told(tmp_path: Path, jails: ProcessJails) -> None:
    with pytest.raises(ProvisionFailed, match=r"(?s)could not be run.*no_such_module"):
        go(a_run(tmp_path, "- hosts: tool\n  tasks:\n    - no_such_module: x\n"), jails)


def test_a_dead_node_is_told(tmp_path: Path, jails: ProcessJails) -> None:
    with pytest.raises(ProvisionFailed, match=r"(?s)failed on web.*the node is not running"):
        go(a_run(tmp_path, PLAYBOOK, web=DeadHost()), jails)


@pytest.mark.parametrize(
    "where", ["delegate_to: localhost", "delegate_to: localhost\n      connection: local", "connection: local"]
)
def test_the_connection_holds_where_the_rules_were_not_asked(tmp_path: Path, where: str, jails: ProcessJails) -> None:
    """`play` does not check the playbook: nobody but the broker's hosts can be reached all the same."""
    host = LocalHost()
    run = a_run(
        tmp_path, f"- hosts: tool\n  tasks:\n    - ansible.builtin.command: hostname\n      {where}\n", web=host
    )
    if where == "connection: local":
        go(run, jails)
        assert len(host.commands) == 1, "the command must go through the broker"
    else:
        with pytest.raises(ProvisionFailed, match="localhost is not a host of this playbook"):
            go(run, jails)
        assert host.commands == []


@pytest.mark.timeout(30, func_only=True)
def test_a_playbook_that_hangs_is_ended(tmp_path: Path, jails: ProcessJails) -> None:
    run = a_run(
        tmp_path, "- hosts: tool\n  tasks:\n    - {name: Hang, ansible.builtin.command: sleep 300}\n", seconds=3
    )
    with pytest.raises(ProvisionFailed):
        go(run, jails)


def test_a_playbook_ends_when_it_is_stopped(tmp_path: Path, jails: ProcessJails) -> None:
    stop, host = threading.Event(), LocalHost()
    run = a_run(tmp_path, "- hosts: tool\n  tasks:\n    - {name: Hang, ansible.builtin.command: sleep 5}\n", web=host)
    said: list[str] = []

    def progress(line: str) -> None:
        said.append(line)
        stop.set()

    with pytest.raises(ProvisionFailed, match="was stopped in task 'Hang'"):
        play(run, read_tree(run.folder), 2, stop, progress, lambda: jails.start_jail("", [], ""))
    assert said == ["probe: task 1 of 1: Hang"]


def test_what_the_progress_raises_ends_the_run(tmp_path: Path, jails: ProcessJails) -> None:
    def progress(line: str) -> None:
        raise KeyError(line)

    run = a_run(tmp_path, PLAYBOOK)
    with pytest.raises(KeyError, match="task 1 of 2"):
        play(run, read_tree(run.folder), 2, threading.Event(), progress, lambda: jails.start_jail("", [], ""))


def test_a_jail_that_ends_early_is_told_with_its_last_words(tmp_path: Path, jails: ProcessJails) -> None:
    run = a_run(tmp_path, PLAYBOOK)
    dead = ProcessJail([sys.executable, "-c", "import sys; sys.exit('no such program')"])
    try:
        dead.process.wait()
        with pytest.raises(ProvisionFailed, match=r"(?s)its container ended before it began|without a result.*no such"):
            play(run, read_tree(run.folder), 2, threading.Event(), lambda line: None, lambda: dead)
    finally:
        dead.free()


def test_what_speaks_nonsense_is_ended(tmp_path: Path) -> None:
    run = a_run(tmp_path, PLAYBOOK)
    talker = ProcessJail([sys.executable, "-c", "import sys, time; print('hello ' * 9, flush=True); sys.stdin.read()"])
    try:
        with pytest.raises(ProvisionFailed, match="what came out of its container has a frame of"):
            play(run, read_tree(run.folder), 2, threading.Event(), lambda line: None, lambda: talker)
        assert talker.process.poll() is not None
    finally:
        talker.free()


def test_a_sweep_reaches_the_jails(tmp_path: Path, jails: ProcessJails) -> None:
    made = a_provisioner(Shelf(), jails)
    assert made.sweep() == made.sweep(everything=True) == ["swept"]
    assert jails.everything == [False, True]


def test_install_happens_once(tmp_path: Path, jails: ProcessJails) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "install.yml").write_text(PLAYBOOK)
    shelf, tool = Shelf(), a_tool(vars={"folder": str(tmp_path)})
    provisioner = a_provisioner(shelf, jails)
    first = provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    again = provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert first == again
    assert first.startswith("jointrange-tool/probe:")
    assert (tmp_path / "log").read_text() == "builder\n"
    assert (shelf.started, shelf.running) == (1, [])


@pytest.mark.parametrize("installed", [False, True], ids=["stopped", "installed by another"])
def test_an_install_waits_for_a_place(tmp_path: Path, jails: ProcessJails, installed: bool) -> None:
    """It starts no builder before; what was installed meanwhile is not installed again."""
    (tmp_path / "install.yml").write_text(PLAYBOOK)
    shelf, tool, stop, waits, ended = Shelf(), a_tool(), threading.Event(), threading.Event(), list[str]()
    room = Room(1)
    provisioner = AnsibleProvisioner(None, shelf, shelf, jails, room=room, stop=stop)  # type: ignore[arg-type]
    reference = tool_image(tool, read_tree(tmp_path), "sha256:base")

    def work() -> None:
        try:
            ended.append(provisioner.install(tool, tmp_path, "jointrange/base", tmp_path, lambda line: waits.set()))
        except ProvisionFailed as error:
            ended.append(str(error))

    thread = threading.Thread(target=work)
    with room.place("a test", threading.Event(), lambda line: None):
        thread.start()
        assert waits.wait(20)
        if installed:
            shelf.images[reference] = "sha256:another"
        else:
            stop.set()
            thread.join(20)
    thread.join(20)
    assert ended == [reference if installed else "tool probe: install.yml was stopped before it began"]
    assert (shelf.started, jails.made) == (0, [])


def test_a_failed_install_leaves_no_builder_and_no_image(tmp_path: Path, jails: ProcessJails) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "install.yml").write_text("- hosts: tool\n  tasks:\n    - ansible.builtin.command: 'false'\n")
    shelf = Shelf()
    provisioner = a_provisioner(shelf, jails)
    with pytest.raises(ProvisionFailed):
        provisioner.install(a_tool(), folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert (shelf.started, shelf.running, set(shelf.images)) == (1, [], {"jointrange/base", "jointrange/ansible"})


def test_a_playbook_that_breaks_a_rule_starts_nothing(tmp_path: Path, jails: ProcessJails) -> None:
    (tmp_path / "install.yml").write_text("- hosts: tool\n  tasks:\n    - local_action: command id\n")
    shelf = Shelf()
    provisioner = a_provisioner(shelf, jails)
    with pytest.raises(Refused, match=r"install\.yml:3:7: `local_action` is not allowed"):
        provisioner.install(a_tool(), tmp_path, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert shelf.started == 0


def test_of_many_broken_rules_some_are_told(tmp_path: Path, jails: ProcessJails) -> None:
    (tmp_path / "install.yml").write_text("- hosts: tool\n  tasks:\n" + "    - local_action: command id\n" * 999)
    with pytest.raises(Refused, match="and 949 more") as caught:
        a_provisioner(Shelf(), jails).check(a_tool(), tmp_path)
    assert str(caught.value).count("local_action") == 50


def test_a_missing_playbook_is_refused(tmp_path: Path, jails: ProcessJails) -> None:
    shelf = Shelf()
    provisioner = a_provisioner(shelf, jails)
    with pytest.raises(Refused, match=r"no playbook install\.yml"):
        provisioner.install(a_tool(), tmp_path, "jointrange/base", tmp_path / "evidence", lambda line: None)


def test_the_image_is_named_by_all_it_depends_on(tmp_path: Path) -> None:
    (tmp_path / "install.yml").write_text(PLAYBOOK)
    tree = read_tree(tmp_path)
    names = {
        tool_image(a_tool(), tree, "sha256:a"),
        tool_image(a_tool(), tree, "sha256:b"),
        tool_image(a_tool(vars={"port": 80}), tree, "sha256:a"),
        tool_image(a_tool(version="2"), tree, "sha256:a"),
        tool_image(a_tool("other"), tree, "sha256:a"),
        tool_image(a_tool(), (), "sha256:a"),
    }
    assert len(names) == 6
    assert tool_image(a_tool(title="Other"), tree, "sha256:a") in names


def test_how_a_run_ended_decides_what_is_said(tmp_path: Path) -> None:
    run = a_run(tmp_path, PLAYBOOK, seconds=5)
    hearing = Hearing("probe", 1, lambda line: None, tmp_path)
    hearing.task = "Load"
    assert "did not end within 5 s, in task 'Load'" in str(failure(run, hearing, "late", ""))
    assert "was stopped in task 'Load'" in str(failure(run, hearing, "stopped", ""))
    assert "was ended in task 'Load': too loud" in str(failure(run, hearing, "too loud", ""))
    assert str(failure(run, hearing, "", "\x1b[2JKilled")).endswith("files included)\n?[2JKilled")
    hearing.status, hearing.explanation = "error", "no room"
    assert "could not be run (error):\nno room" in str(failure(run, hearing, "", ""))
    hearing.failed = {"host": "web", "task": "Load", "res": {"msg": "no rule"}}
    assert "failed on web in task 'Load':\nno rule" in str(failure(run, hearing, "", ""))


def test_a_long_reason_is_cut_and_says_so(tmp_path: Path, jails: ProcessJails) -> None:
    """What becomes of it is a row and an event of the service, and an answer to whoever asks."""
    playbook = "- hosts: tool\n  tasks:\n    - {name: Shout, fail: {msg: \"{{ 'x' * 500000 }}\"}}\n"
    with pytest.raises(ProvisionFailed, match="and 495904 more letters") as caught:
        go(a_run(tmp_path, playbook), jails)
    assert len(str(caught.value)) < 3 * PART_MOST


def test_what_says_too_much_at_once_is_ended_in_few_words(tmp_path: Path, jails: ProcessJails) -> None:
    playbook = "- hosts: tool\n  tasks:\n    - {name: Shout, fail: {msg: \"{{ 'x' * 20000000 }}\"}}\n"
    with pytest.raises(ProvisionFailed, match="ended in task 'Shout': it said more than 4 MiB at once") as caught:
        go(a_run(tmp_path, playbook), jails)
    assert len(str(caught.value)) < 300
