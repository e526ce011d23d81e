"""Tools installed and configured for real: a builder, an image, a live range, and playbooks that mean no good."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from range import catalogue
from range.clock import SystemClock
from range.engine import labels, owners
from range.engine.client import connect
from range.engine.docker import DockerEngine
from range.engine.images import DockerImages
from range.engine.jails import DockerJails
from range.engine.switchboard import DockerSwitchboard
from range.errors import ProvisionFailed, Refused
from range.layout import Layout, resolve
from range.operations.deploy import deploy
from range.operations.destroy import destroy
from range.plan import Ownership, plan, teardown
from range.ports import Placed
from range.provisioner.ansible import AnsibleProvisioner
from range.tool import Tool
from range.topology import Topology

pytestmark = [pytest.mark.engine, pytest.mark.beside]

INSTALL = """\
- hosts: tool
  tasks:
    - name: Make a file
      ansible.builtin.copy: {content: "{{ word }}", dest: /opt/word, mode: "0640"}
    - name: Bring a script
      ansible.builtin.copy: {src: files/show, dest: /opt/show, mode: "0755"}
"""
CONFIGURE = """\
- hosts: tool
  tasks:
    - name: Write what is known
      ansible.builtin.template: {src: known.j2, dest: /opt/known, mode: "0644"}
    - name: Run the script that was installed
      ansible.builtin.command: /opt/show
      register: shown
      failed_when: shown.stdout != word
"""
KNOWN = "{{ node_name }} {{ node_addresses.lan }} {{ range_id }} {{ range_networks.lan }} {{ range_nodes['b'] }}\n"


@dataclass(frozen=True)
class World:
    """Everything a test needs of one installation of its own."""

    client: docker.DockerClient
    instance: str
    engine: DockerEngine
    switchboard: DockerSwitchboard
    images: DockerImages
    provisioner: AnsibleProvisioner


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    instance = f"test{uuid.uuid4().hex[:8]}"
    client, clock = connect(), SystemClock()
    engine = DockerEngine(client, instance, clock)
    folder = catalogue.root() / "topologies" / "images"
    images = DockerImages(client, folder, tmp_path / "cache", instance=instance, owner=owners.me())
    images.ensure_all(["jointrange/base", "jointrange/fabric", "jointrange/ansible"], print)
    jails = DockerJails(client, instance, owners.me())
    provisioner = AnsibleProvisioner(engine, images, images, jails)
    yield World(client, instance, engine, DockerSwitchboard(engine), images, provisioner)
    for image in client.images.list("jointrange-tool/*"):
        if any(tag.startswith(f"jointrange-tool/{instance}:") for tag in image.tags):
            client.images.remove(image.id, force=True)
    left = client.containers.list(all=True, filters={"label": f"{labels.INSTANCE}={instance}"})
    client.close()
    assert [container.name for container in left] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tool"
    (made / "files").mkdir(parents=True)
    (made / "templates").mkdir()
    (made / "install.yml").write_text(INSTALL)
    (made / "configure.yml").write_text(CONFIGURE)
    (made / "files" / "show").write_text("#!/bin/sh\ncat /opt/word\n")
    (made / "templates" / "known.j2").write_text(KNOWN)
    return made


def a_tool(world: World, **changes: Any) -> Tool:
    values = {
        "schema": "jointrange.tool/1",
        "name": world.instance,
        "title": "Test",
        "place": {"on": {"role": "guarded"}},
        "install": "install.yml",
        "configure": "configure.yml",
        "vars": {"word": "hello"},
    }
    return Tool.model_validate({**values, **changes})


def a_layout(image: str) -> Layout:
    node = {"image": image, "networks": ["lan"], "role": "guarded"}
    topology = {
        "schema": "jointrange.topology/1",
        "name": "pair",
        "networks": {"lan": {"cidr": "192.0.2.0/24"}},
        "nodes": {"a": node, "b": node},
    }
    return resolve(Topology.model_validate(topology), {})


@pytest.fixture
def lab(world: World) -> Iterator[Layout]:
    """A live range called `lab` of two nodes."""
    layout = a_layout("jointrange/base")
    maker = Ownership(world.instance, owners.me(), "pair", kept=False, created=time.time())
    try:
        deploy(
            plan("lab", layout, world.engine.observe("lab")), maker, world.engine, world.switchboard, lambda event: None
        )
        yield layout
    finally:
        for there in world.engine.survey():
            destroy(teardown(there), world.engine, lambda event: None)


def test_a_tool_is_installed_once_and_then_found(world: World, folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    tool = a_tool(world)
    reference = world.provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", said.append)
    assert reference.startswith(f"jointrange-tool/{world.instance}:")
    assert said[1:] == [f"{tool.name}: task 1 of 2: Make a file", f"{tool.name}: task 2 of 2: Bring a script"]
    builder = world.images.start_builder(reference, "look")
    assert world.images.exec_builder(builder, ["/opt/show"]).stdout == b"hello"
    world.images.remove_builder(builder)
    again = world.provisioner.install(tool, folder, "jointrange/base", tmp_path / "evidence", said.append)
    assert again == reference
    assert len(said) == 3, "the second time nothing runs"
    assert len(list((tmp_path / "evidence").glob("*-install-*/output.txt"))) == 1


def test_the_image_starts_as_its_base_does(world: World, folder: Path, tmp_path: Path) -> None:
    reference = world.provisioner.install(a_tool(world), folder, "jointrange/base", tmp_path / "evidence", print)
    base, made = (world.client.images.get(name).attrs["Config"] for name in ("jointrange/base", reference))
    assert made["Cmd"] == base["Cmd"]
    assert not made["Entrypoint"]


def test_a_live_range_is_configured_with_what_the_plan_knows(
    world: World, lab: Layout, folder: Path, tmp_path: Path
) -> None:
    for node in ("a", "b"):
        world.engine.exec("lab", node, ["sh", "-c", "printf hello >/opt/word; echo 'cat /opt/word' >/opt/show"])
        world.engine.exec("lab", node, ["sh", "-c", "sed -i '1i #!/bin/sh' /opt/show; chmod 755 /opt/show"])
    said: list[str] = []
    placed = Placed(a_tool(world), folder, ("a", "b"))
    world.provisioner.configure("lab", lab, placed, tmp_path / "evidence", said.append)
    assert [line.partition(": ")[2] for line in said] == [
        "task 1 of 2: Write what is known",
        "task 2 of 2: Run the script that was installed",
    ]
    addresses = {node.name: node.address() for node in lab.nodes}
    for name in ("a", "b"):
        known = world.engine.exec("lab", name, ["cat", "/opt/known"]).text
        assert known == f"{name} {addresses[name]} lab 192.0.2.0/24 {addresses['b']}\n"


def test_a_failing_task_names_host_task_and_message(world: World, lab: Layout, folder: Path, tmp_path: Path) -> None:
    (folder / "configure.yml").write_text(
        "- hosts: tool\n  tasks:\n    - name: Load the rules\n"
        "      ansible.builtin.shell: '[ {{ node_name }} = a ] || { echo rule 7 is wrong >&2; exit 5; }'\n"
    )
    placed = Placed(a_tool(world), folder, ("a", "b"))
    with pytest.raises(ProvisionFailed, match="rule 7 is wrong") as caught:
        world.provisioner.configure("lab", lab, placed, tmp_path / "evidence", print)
    assert (caught.value.host, caught.value.task) == ("b", "Load the rules")
    kept = tmp_path / "evidence" / f"{world.instance}-configure"
    assert str(kept) in caught.value.hint
    assert "rule 7 is wrong" in (kept / "output.txt").read_text()


def test_only_the_tools_own_nodes_are_reached(world: World, lab: Layout, folder: Path, tmp_path: Path) -> None:
    (folder / "configure.yml").write_text(
        "- hosts: all\n  tasks:\n    - {name: Mark, ansible.builtin.command: touch /opt/mark}\n"
    )
    world.provisioner.configure("lab", lab, Placed(a_tool(world), folder, ("b",)), tmp_path / "evidence", print)
    assert world.engine.exec("lab", "b", ["ls", "/opt/mark"]).exit_code == 0
    assert world.engine.exec("lab", "a", ["ls", "/opt/mark"]).exit_code != 0


def test_a_failed_install_leaves_nothing(world: World, folder: Path, tmp_path: Path) -> None:
    (folder / "install.yml").write_text(
        "- hosts: tool\n  tasks:\n    - {name: Break, ansible.builtin.command: 'false'}\n"
    )
    with pytest.raises(ProvisionFailed) as caught:
        world.provisioner.install(a_tool(world), folder, "jointrange/base", tmp_path / "evidence", print)
    assert (caught.value.host, caught.value.task) == ("builder", "Break")
    assert world.client.images.list(f"jointrange-tool/{world.instance}") == []
    assert world.images.sweep_builders(everything=True) == []


@pytest.mark.parametrize(
    "task",
    [
        "{ansible.builtin.command: touch %s, delegate_to: localhost}",
        "{ansible.builtin.command: touch %s, connection: local}",
        "{local_action: command touch %s}",
        "{ansible.builtin.debug: {msg: \"{{ lookup('pipe', 'touch %s') }}\"}}",
        "{ansible.builtin.command: touch %s, vars: {ansible_connection: local}}",
        "{ansible.builtin.fetch: {src: /etc/hostname, dest: %s, flat: true}}",
    ],
)
def test_a_playbook_that_acts_on_this_machine_is_refused(world: World, folder: Path, tmp_path: Path, task: str) -> None:
    mark = tmp_path / "mark"
    (folder / "install.yml").write_text(f"- hosts: tool\n  tasks:\n    - {task % mark}\n")
    said: list[str] = []
    with pytest.raises(Refused, match=r"install\.yml:3:") as caught:
        world.provisioner.install(a_tool(world), folder, "jointrange/base", tmp_path / "evidence", said.append)
    assert caught.value.hint
    assert said == [], "nothing was started"
    assert not mark.exists()
