"""The parcel: all that a run's container is given, as ansible-runner streams it to a worker.

Knows: the layout of ansible-runner's private folder, and what a playbook's process gets to see. The only user of
`ansible_runner`, of whose streaming mode the sending half runs here and the worker in the container.
Must never: put a file into the parcel that is not the tool's own, or anything of this process's environment.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from range.provisioner import relay
from range.provisioner.tree import TreeFile, copy_tree

_PLUGIN = Path(__file__).parent / "plugins" / "connection" / "jointrange.py"
_PREFIX = "jointrange-run-"
_INVENTORY = "inventory/hosts.yaml"
SCRATCH = "/tmp"  # noqa: S108 (inside the container)
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"


def command(scratch: str = SCRATCH, programs: str = PROGRAMS) -> list[str]:
    """What a container runs: the relay, and through it a worker that waits for its parcel."""
    told = {
        "path": f"{scratch}/broker",
        "folders": [f"{scratch}/home", f"{scratch}/temporary"],
        "command": ["ansible-runner", "worker", "--private-data-dir", f"{scratch}/run"],
        "env": environment(scratch, programs),
    }
    return ["python3", "-I", "-c", Path(relay.__file__).read_text(), json.dumps(told)]


def environment(scratch: str = SCRATCH, programs: str = PROGRAMS) -> dict[str, str]:
    """All the environment a playbook's process has."""
    return {
        "PATH": programs,
        "HOME": f"{scratch}/home",
        "TMPDIR": f"{scratch}/temporary",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "JOINTRANGE_BROKER": f"{scratch}/broker",
        "ANSIBLE_CONFIG": f"{scratch}/run/ansible.cfg",
        "ANSIBLE_HOME": f"{scratch}/home",
        "ANSIBLE_LOCAL_TEMP": f"{scratch}/temporary",
        "ANSIBLE_REMOTE_TEMP": "/tmp/.ansible",  # noqa: S108 (inside the node)
        "ANSIBLE_CONNECTION_PLUGINS": f"{scratch}/run/plugins",
        "ANSIBLE_COLLECTIONS_PATH": f"{scratch}/home",
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "ANSIBLE_ROLES_PATH": f"{scratch}/run/project/roles",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_VARS_ENABLED": "",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOWS": "True",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_USE_PERSISTENT_CONNECTIONS": "False",
    }


@contextmanager
def parcel(
    folder: Path,
    tree: Sequence[TreeFile],
    playbook: str,
    hosts: Mapping[str, Any],
    variables: Mapping[str, Any],
    forks: int,
) -> Iterator[BinaryIO]:
    """The parcel of one run, to be read from its start; its private folder is gone afterwards.

    `hosts` is an inventory in Ansible's YAML form. Symbolic links of the tool's folder stay behind.
    """
    from ansible_runner.streaming import Transmitter

    clear_dead_runs()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as name, tempfile.TemporaryFile() as stream:
        private = Path(name)
        copy_tree(folder, private / "project", (file for file in tree if not file.link))
        files = {
            _INVENTORY: json.dumps(hosts),
            "env/extravars": json.dumps(variables),
            "env/settings": json.dumps({"suppress_output_file": True}),
            "ansible.cfg": "[defaults]\n",
            "plugins/jointrange.py": _PLUGIN.read_text(),
        }
        for path, content in files.items():
            (private / path).parent.mkdir(exist_ok=True)
            (private / path).write_text(content)
        Transmitter(
            _output=stream,
            private_data_dir=name,
            playbook=playbook,
            inventory=_INVENTORY,
            ident="run",
            forks=forks,
            fact_cache_type="memory",
        ).run()
        stream.seek(0)
        yield stream


def clear_dead_runs() -> None:
    """Remove the private folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)
