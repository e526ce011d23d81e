"""Ansible: runs a tool's playbooks, once in a builder (`install.yml`) and in every live range (`configure.yml`).

Knows: how ansible-runner is tamed, and how what it says becomes progress, evidence and errors. The only user of
`ansible_runner`.
Must never: let a playbook see this process's environment, a user's Ansible configuration, or the engine's socket.

The traps of ansible-runner, and what is done here: it mutates its arguments, may exit, installs signal handlers and
writes settings that a later run reads (so: its RunnerConfig and Runner directly, in a fresh folder, in a thread of
their own); it copies the whole environment to the playbook and into its artefacts (so: the environment is replaced).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ansible_runner import Runner, RunnerConfig

from range.errors import Invalid, ProvisionFailed, Refused
from range.layout import FileSpec, Layout
from range.ports import Builders, Engine, ExecResult, Images, Placed
from range.provisioner import inventory
from range.provisioner.broker import Broker, Target, until
from range.provisioner.policy import task_count, violations
from range.provisioner.tree import TreeFile, copy_tree, install_digest, read_tree
from range.tool import Tool

Progress = Callable[[str], None]

INSTALL_SECONDS = 1800.0
CONFIGURE_SECONDS = 600.0
_PLUGINS = Path(__file__).parent / "plugins" / "connection"
_RUNNER_NEEDS = (
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_STDOUT_CALLBACK",
    "AWX_ISOLATED_DATA_DIR",
    "RUNNER_OMIT_EVENTS",
    "RUNNER_ONLY_FAILED_EVENTS",
)
_PREFIX = "jointrange-run-"
_POLL = 0.2
_TAIL = 15


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one playbook."""

    tool: Tool
    folder: Path
    playbook: str
    hosts: Mapping[str, inventory.Variables]
    variables: inventory.Variables
    targets: Mapping[str, Target]
    evidence: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeTarget:
    """A node of a live range, as the broker uses it."""

    engine: Engine
    range_id: str
    node: str

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult:
        """As root, whatever user the image names."""
        return self.engine.exec(self.range_id, self.node, argv, timeout=timeout, user="0")

    def write(self, files: Sequence[FileSpec]) -> None:
        """Put files into the node."""
        self.engine.write(self.range_id, self.node, files)


@dataclass(frozen=True, slots=True)
class BuilderTarget:
    """A builder container, as the broker uses it."""

    builders: Builders
    builder: str

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult:
        """As root, whatever user the image names."""
        return self.builders.exec_builder(self.builder, argv, timeout=timeout, user="0")

    def write(self, files: Sequence[FileSpec]) -> None:
        """Put files into the builder."""
        self.builders.write_builder(self.builder, files)


class AnsibleProvisioner:
    """ports.Provisioner. `forks`: how many nodes are worked on at a time. `stop`: set it, and what runs ends soon."""

    def __init__(
        self,
        engine: Engine,
        images: Images,
        builders: Builders,
        *,
        forks: int = 8,
        stop: threading.Event | None = None,
    ) -> None:
        self._engine = engine
        self._images = images
        self._builders = builders
        self._forks = forks
        self._stop = stop or threading.Event()

    def install(self, tool: Tool, folder: Path, image: str, evidence: Path, progress: Progress) -> str:
        """The image `image` with the tool installed: built once, then found again by content digest.

        Raises ProvisionFailed, Refused (the playbook breaks a rule), ImageMissing.
        """
        if tool.install is None:
            return image
        tree = read_tree(folder)
        reference = tool_image(tool, tree, self._images.ensure(image, progress))
        if self._images.digest(reference) is not None:
            return reference
        check(tool, tree)
        progress(f"{tool.name}: installing (once; the result is kept as {reference})")
        name = f"{tool.name}-{sha256(f'{reference}{time.time_ns()}'.encode()).hexdigest()[:8]}"
        builder = self._builders.start_builder(image, name)
        try:
            run = Run(
                tool=tool,
                folder=folder,
                playbook=tool.install,
                hosts=inventory.builder_hosts(),
                variables=inventory.builder_variables(tool),
                targets={inventory.BUILDER: BuilderTarget(self._builders, builder)},
                evidence=evidence / f"{tool.name}-install-{reference.rpartition(':')[2]}",
                seconds=INSTALL_SECONDS,
            )
            play(run, tree, self._forks, self._stop, progress)
            if self._images.digest(reference) is None:
                self._builders.commit_builder(builder, reference)
        finally:
            self._builders.remove_builder(builder)
        return reference

    def configure(self, range_id: str, layout: Layout, placed: Placed, evidence: Path, progress: Progress) -> None:
        """Run `configure.yml` on the tool's nodes of a live range. Raises ProvisionFailed, Refused."""
        tool = placed.tool
        if tool.configure is None or not placed.nodes:
            return
        tree = read_tree(placed.folder)
        check(tool, tree)
        run = Run(
            tool=tool,
            folder=placed.folder,
            playbook=tool.configure,
            hosts=inventory.range_hosts(layout, placed),
            variables=inventory.range_variables(range_id, layout, tool),
            targets={node: NodeTarget(self._engine, range_id, node) for node in placed.nodes},
            evidence=evidence / f"{tool.name}-configure",
            seconds=CONFIGURE_SECONDS,
        )
        play(run, tree, self._forks, self._stop, progress)

    def check(self, tool: Tool, folder: Path) -> None:
        """The rules of range/provisioner/policy.py, before anything is started. Raises Refused."""
        check(tool, read_tree(folder))

    def sweep(self) -> None:
        """Remove the private folders of runs whose process was killed."""
        clear_dead_runs()


def check(tool: Tool, tree: Sequence[TreeFile]) -> None:
    """Raises Refused: a playbook is missing or breaks a rule; every fault at once, with its position."""
    names = {file.name for file in tree}
    for playbook in (tool.install, tool.configure):
        if playbook is not None and playbook not in names:
            raise Refused(
                f"tool {tool.name}: there is no playbook {playbook} in its folder",
                hint=f"it holds {', '.join(sorted(names)[:8])}",
            )
    problems = violations(tree)
    if problems:
        raise Refused(
            f"tool {tool.name}: its playbooks break the rules for foreign code:\n{Invalid(problems)}",
            hint="a playbook works on the tool's own nodes, with files of the tool's own folder, and nothing else",
        )


def tool_image(tool: Tool, tree: Sequence[TreeFile], base: str) -> str:
    """The reference of the image that holds the tool: equal inputs, equal name."""
    key = [base, install_digest(tuple(tree), tool.configure), dict(tool.vars), tool.name, tool.version, tool.install]
    return f"jointrange-tool/{tool.name}:{sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]}"


def play(run: Run, tree: Sequence[TreeFile], forks: int, stop: threading.Event, progress: Progress) -> None:
    """Run one playbook to its end and keep what it said. Raises ProvisionFailed."""
    run.evidence.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + run.seconds
    listener = Listener(run.tool.name, task_count(tree, run.playbook), progress)
    clear_dead_runs()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as name:
        private = Path(name)
        copy_tree(run.folder, private / "project", (file for file in tree if not file.link))
        with Broker(private / "broker", run.targets, until(deadline)) as broker:
            config = _config(private, run, broker, forks)
            try:
                status = _run(config, listener, deadline, stop)
            finally:
                _keep(Path(config.artifact_dir), listener, run.evidence)
        if status != "successful":
            said = _last_lines(run.evidence / "output.txt")
            raise failure(run, listener, status, said)


@dataclass
class Listener:
    """Hears the events of one run."""

    tool: str
    total: int
    progress: Progress
    task: str = ""
    count: int = 0
    failures: list[Mapping[str, Any]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def __call__(self, event: Mapping[str, Any]) -> bool:
        """One event; False: the runner need not write it to a file of its own."""
        kind, data = str(event.get("event", "")), event.get("event_data") or {}
        if data:
            self.events.append(json.dumps({"event": kind, "created": event.get("created"), **data}, default=str))
        if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            self.count += 1
            self.task = str(data.get("task") or data.get("name") or "")
            of = f" of {self.total}" if self.count <= self.total else ""
            self.progress(f"{self.tool}: task {self.count}{of}: {self.task}")
        elif kind == "runner_on_unreachable" or (kind == "runner_on_failed" and not data.get("ignore_errors")):
            self.failures.append(data)
        return False


def failure(run: Run, listener: Listener, status: str, said: str) -> ProvisionFailed:
    """What went wrong, in the words of the task that failed."""
    hint = f"the full output is in {run.evidence}"
    what = f"tool {run.tool.name}: {run.playbook}"
    if status == "timeout":
        return ProvisionFailed(
            f"{what} did not end within {run.seconds:.0f} s, in task {listener.task!r}", task=listener.task, hint=hint
        )
    if status == "stopped":
        return ProvisionFailed(f"{what} was stopped in task {listener.task!r}", task=listener.task, hint=hint)
    if not listener.failures:
        return ProvisionFailed(f"{what} could not be run ({status}):\n{said}", hint=hint)
    data = listener.failures[-1]
    host, task = str(data.get("host", "")), str(data.get("task") or listener.task)
    return ProvisionFailed(
        f"{what} failed on {host} in task {task!r}:\n{_reason(data.get('res') or {})}", host=host, task=task, hint=hint
    )


def _reason(result: Mapping[str, Any]) -> str:
    """The module's own message and the last lines it wrote."""
    parts = [str(result.get("msg") or "").strip()]
    for item in result.get("results") or []:
        if isinstance(item, Mapping) and item.get("failed"):
            parts.append(f"item {item.get('item')}: {item.get('msg', '')}".strip())
    for name in ("stderr", "module_stderr", "stdout", "module_stdout"):
        text = str(result.get(name) or "").strip()
        if text and text not in parts[0]:
            parts.append("\n".join(text.splitlines()[-_TAIL:]))
            break
    return "\n".join(part for part in parts if part) or "it gave no reason"


def _config(private: Path, run: Run, broker: Broker, forks: int) -> Any:
    """A prepared RunnerConfig whose command and environment are ours alone."""
    hosts, variables, settings = private / "hosts.yaml", private / "vars.json", private / "ansible.cfg"
    hosts.write_text(json.dumps(inventory.inventory(run.hosts)))
    variables.write_text(json.dumps(run.variables))
    settings.write_text("[defaults]\n")
    config = RunnerConfig(
        private_data_dir=str(private), playbook=run.playbook, ident="run", quiet=True, suppress_env_files=True
    )
    config.prepare()
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    config.command = [program, "-i", str(hosts), "-e", f"@{variables}", "--forks", str(forks), run.playbook]
    needed = {name: config.env[name] for name in _RUNNER_NEEDS if name in config.env}
    config.env = {**environment(private), **needed}
    config.env |= {"JOINTRANGE_BROKER": str(broker.path), "JOINTRANGE_TOKEN": broker.token}
    config.pexpect_timeout = _POLL
    config.suppress_ansible_output = True
    return config


def environment(private: Path) -> dict[str, str]:
    """All a playbook's process gets to see."""
    (private / "tmp").mkdir(exist_ok=True)
    (private / "home").mkdir(exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(private / "home"),
        "TMPDIR": str(private / "tmp"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "ANSIBLE_CONFIG": str(private / "ansible.cfg"),
        "ANSIBLE_HOME": str(private / "home"),
        "ANSIBLE_LOCAL_TEMP": str(private / "tmp"),
        "ANSIBLE_REMOTE_TEMP": "/tmp/.ansible",  # noqa: S108 (inside the node)
        "ANSIBLE_CONNECTION_PLUGINS": str(_PLUGINS),
        "ANSIBLE_COLLECTIONS_PATH": str(private / "home"),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "ANSIBLE_ROLES_PATH": str(private / "project" / "roles"),
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


def _run(config: Any, listener: Listener, deadline: float, stop: threading.Event) -> str:
    """Run it in a thread of its own, so that Ctrl-C here ends it there too; its status."""
    cancelled = threading.Event()
    warnings.filterwarnings("ignore", r".*multi-threaded, use of forkpty", DeprecationWarning)  # exec follows at once
    runner = Runner(
        config,
        event_handler=listener,
        cancel_callback=lambda: cancelled.is_set() or stop.is_set(),
        remove_partials=True,
    )
    ended: list[str | BaseException] = []

    def work() -> None:
        try:
            ended.append(str(runner.run()[0]))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work, name="ansible", daemon=True)
    thread.start()
    try:
        thread.join(max(0.0, deadline - time.monotonic()))
    finally:
        cancelled.set()
        thread.join()
    if isinstance(ended[0], BaseException):
        raise ended[0]
    if ended[0] == "canceled":
        return "stopped" if stop.is_set() else "timeout"
    return ended[0]


def clear_dead_runs() -> None:
    """Remove the private folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _keep(artefacts: Path, listener: Listener, evidence: Path) -> None:
    """Keep what was said: `output.txt` as a person reads it, `events.jsonl` as a program does."""
    output = artefacts / "stdout"
    if output.is_file():
        shutil.copyfile(output, evidence / "output.txt")
    (evidence / "events.jsonl").write_text("".join(f"{line}\n" for line in listener.events))


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-_TAIL:]) if path.is_file() else ""
