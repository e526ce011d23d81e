"""Playbooks run to their end through the broker, without an engine: the hosts are this machine or nobody.

The modules used here write into the test's own folder only.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from range.errors import ProvisionFailed, Refused
from range.provisioner.ansible import AnsibleProvisioner, Listener, Run, environment, failure, play, tool_image
from range.provisioner.tree import read_tree
from tests.unit.provisioner.fakes import DeadHost, LocalHost, Shelf, a_tool

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


def go(run: Run, stop: threading.Event | None = None) -> list[str]:
    said: list[str] = []
    play(run, read_tree(run.folder), 2, stop or threading.Event(), said.append)
    return said


def test_a_playbook_runs_on_its_hosts_and_says_so(tmp_path: Path) -> None:
    said = go(a_run(tmp_path, PLAYBOOK, web=LocalHost(), db=LocalHost()))
    assert sorted((tmp_path / "log").read_text().split()) == ["db", "web"]
    assert said == ["probe: task 1 of 2: Count up", "probe: task 2 of 2: Look at it"]


def test_a_task_costs_one_command(tmp_path: Path) -> None:
    host = LocalHost()
    go(a_run(tmp_path, PLAYBOOK, web=host))
    assert len(host.commands) == 2
    assert host.written == []


def test_what_was_said_is_kept_and_nothing_else(tmp_path: Path) -> None:
    run = a_run(tmp_path, PLAYBOOK)
    go(run)
    assert sorted(path.name for path in run.evidence.iterdir()) == ["events.jsonl", "output.txt"]
    assert "TASK [Look at it]" in (run.evidence / "output.txt").read_text()
    events = [json.loads(line) for line in (run.evidence / "events.jsonl").read_text().splitlines()]
    assert {"playbook_on_task_start", "runner_on_ok"} <= {event["event"] for event in events}
    assert not list(Path(tempfile.gettempdir()).glob(f"jointrange-run-{os.getpid()}-*"))


def test_a_failing_task_is_named_with_its_own_words(tmp_path: Path) -> None:
    playbook = PLAYBOOK + "    - name: Break\n      ansible.builtin.command: sh -c 'echo no such rule >&2; exit 9'\n"
    run = a_run(tmp_path, playbook)
    with pytest.raises(ProvisionFailed) as caught:
        go(run)
    assert (caught.value.host, caught.value.task) == ("web", "Break")
    assert "install.yml failed on web in task 'Break'" in str(caught.value)
    assert "no such rule" in str(caught.value)
    assert str(run.evidence) in caught.value.hint


def test_an_ignored_failure_is_none(tmp_path: Path) -> None:
    go(a_run(tmp_path, "- hosts: tool\n  tasks:\n    - ansible.builtin.command: 'false'\n      ignore_errors: true\n"))


def test_a_playbook_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProvisionFailed, match=r"(?s)could not be run.*no_such_module"):
        go(a_run(tmp_path, "- hosts: tool\n  tasks:\n    - no_such_module: x\n"))


def test_a_dead_node_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProvisionFailed, match=r"(?s)failed on web.*the node is not running"):
        go(a_run(tmp_path, PLAYBOOK, web=DeadHost()))


@pytest.mark.parametrize(
    "where", ["delegate_to: localhost", "delegate_to: localhost\n      connection: local", "connection: local"]
)
def test_the_connection_holds_where_the_rules_were_not_asked(tmp_path: Path, where: str) -> None:
    """`play` does not check the playbook: nobody but the broker's hosts can be reached all the same."""
    host = LocalHost()
    run = a_run(
        tmp_path, f"- hosts: tool\n  tasks:\n    - ansible.builtin.command: hostname\n      {where}\n", web=host
    )
    if where == "connection: local":
        go(run)
        assert len(host.commands) == 1, "the command must go through the broker"
    else:
        with pytest.raises(ProvisionFailed, match="localhost is not a host of this playbook"):
            go(run)
        assert host.commands == []


def test_a_playbook_that_hangs_is_ended(tmp_path: Path) -> None:
    start = time.monotonic()
    run = a_run(
        tmp_path, "- hosts: tool\n  tasks:\n    - {name: Hang, ansible.builtin.command: sleep 300}\n", seconds=3
    )
    with pytest.raises(ProvisionFailed):
        go(run)
    assert time.monotonic() - start < 30


def test_a_playbook_ends_when_it_is_stopped(tmp_path: Path) -> None:
    stop, host = threading.Event(), LocalHost()
    run = a_run(tmp_path, "- hosts: tool\n  tasks:\n    - {name: Hang, ansible.builtin.command: sleep 5}\n", web=host)
    said: list[str] = []

    def progress(line: str) -> None:
        said.append(line)
        stop.set()

    with pytest.raises(ProvisionFailed, match="was stopped in task 'Hang'"):
        play(run, read_tree(run.folder), 2, stop, progress)
    assert said == ["probe: task 1 of 1: Hang"]


def test_the_environment_is_not_ours(tmp_path: Path) -> None:
    given = environment(tmp_path)
    assert given["HOME"].startswith(str(tmp_path))
    assert given["ANSIBLE_CONFIG"].startswith(str(tmp_path))
    assert not {"DOCKER_HOST", "SSH_AUTH_SOCK", "PYTHONPATH", "USER"} & set(given)


def test_install_happens_once(tmp_path: Path) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "install.yml").write_text(PLAYBOOK)
    shelf, tool = Shelf(), a_tool(vars={"folder": str(tmp_path)})
    provisioner = AnsibleProvisioner(None, shelf, shelf)  # type: ignore[arg-type]
    first = provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    again = provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert first == again
    assert first.startswith("jointrange-tool/probe:")
    assert (tmp_path / "log").read_text() == "builder\n"
    assert (shelf.started, shelf.running) == (1, [])


def test_a_failed_install_leaves_no_builder_and_no_image(tmp_path: Path) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "install.yml").write_text("- hosts: tool\n  tasks:\n    - ansible.builtin.command: 'false'\n")
    shelf = Shelf()
    provisioner = AnsibleProvisioner(None, shelf, shelf)  # type: ignore[arg-type]
    with pytest.raises(ProvisionFailed):
        provisioner.install(a_tool(), folder, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert (shelf.started, shelf.running, list(shelf.images)) == (1, [], ["jointrange/base"])


def test_a_playbook_that_breaks_a_rule_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "install.yml").write_text("- hosts: tool\n  tasks:\n    - local_action: command id\n")
    shelf = Shelf()
    provisioner = AnsibleProvisioner(None, shelf, shelf)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"install\.yml:3:7: `local_action` is not allowed"):
        provisioner.install(a_tool(), tmp_path, "jointrange/base", tmp_path / "evidence", lambda line: None)
    assert shelf.started == 0


def test_a_missing_playbook_is_refused(tmp_path: Path) -> None:
    shelf = Shelf()
    provisioner = AnsibleProvisioner(None, shelf, shelf)  # type: ignore[arg-type]
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


def test_the_item_that_failed_is_named(tmp_path: Path) -> None:
    listener = Listener("probe", 1, lambda line: None)
    result = {
        "msg": "One or more items failed",
        "results": [{"failed": True, "item": "b", "msg": "no b"}, {"item": "a"}],
    }
    listener({"event": "runner_on_failed", "event_data": {"host": "web", "task": "Loop", "res": result}})
    error = failure(a_run(tmp_path, PLAYBOOK), listener, "failed", "")
    assert "item b: no b" in str(error)
