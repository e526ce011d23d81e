"""The parcel has the tool's own files and what Ansible needs, and nothing of this machine."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from range.provisioner.parcel import clear_dead_runs, command, environment, parcel
from range.provisioner.tree import read_tree


def test_it_holds_the_tools_files_and_no_link(tmp_path: Path) -> None:
    folder, secret = tmp_path / "tool", tmp_path / "secret"
    (folder / "files").mkdir(parents=True)
    (folder / "configure.yml").write_text("- hosts: tool\n")
    (folder / "files" / "run").write_text("#!/bin/sh\n")
    (folder / "files" / "run").chmod(0o755)
    secret.write_text("secret")
    (folder / "files" / "leak").symlink_to(secret)
    (folder / "all").symlink_to(tmp_path)
    with parcel(folder, read_tree(folder), "configure.yml", {"all": {}}, {"word": "x"}, 3) as stream:
        told, held, rest = stream.readline(), stream.readline(), stream.read()
        assert list(Path(tempfile.gettempdir()).glob(f"jointrange-run-{os.getpid()}-*"))
    assert not list(Path(tempfile.gettempdir()).glob(f"jointrange-run-{os.getpid()}-*"))
    kwargs = json.loads(told)["kwargs"]
    assert (kwargs["playbook"], kwargs["forks"], kwargs["inventory"]) == ("configure.yml", 3, "inventory/hosts.yaml")
    size = json.loads(held)["zipfile"]
    content, _, end = rest.partition(b'{"eof"')
    data = base64.b64decode(content)
    assert (len(data), end) == (size, b": true}\n")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        modes = {info.filename: info.external_attr >> 16 & 0o111 for info in archive.infolist()}
    assert {name for name in files if name.startswith("project/")} == {"project/configure.yml", "project/files/run"}
    assert modes["project/files/run"] == 0o111
    assert json.loads(files["env/extravars"]) == {"word": "x"}
    assert b"class Connection" in files["plugins/jointrange.py"]
    assert not [name for name in files if b"secret" in files[name]]


def test_the_environment_is_the_same_wherever_it_is_made() -> None:
    given = environment()
    assert given["HOME"] == "/tmp/home"
    assert given["ANSIBLE_CONFIG"] == "/tmp/run/ansible.cfg"
    script = "from range.provisioner.parcel import environment; import json; print(json.dumps(environment()))"
    shouting = {**os.environ, "ANSIBLE_CONFIG": "/etc/mine", "DOCKER_HOST": "tcp://x", "HTTPS_PROXY": "http://y"}
    other = subprocess.run([sys.executable, "-c", script], env=shouting, capture_output=True, check=True)
    assert json.loads(other.stdout) == given


def test_the_command_carries_the_relay_and_all_it_is_told() -> None:
    python, *_, source, told = command()
    assert python == "python3"
    compile(source, "relay", "exec")
    assert len(source) < 100_000, "one argument takes 128 KiB"
    assert json.loads(told)["env"] == environment()
    assert json.loads(told)["command"][:2] == ["ansible-runner", "worker"]


def test_folders_of_the_dead_are_removed_and_no_others() -> None:
    place = Path(tempfile.gettempdir())
    dead, alive = place / "jointrange-run-4194305-x", place / f"jointrange-run-{os.getpid()}-x"
    dead.mkdir()
    alive.mkdir()
    try:
        clear_dead_runs()
        assert not dead.exists()
        assert alive.exists()
    finally:
        alive.rmdir()
