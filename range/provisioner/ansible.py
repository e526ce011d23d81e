"""Ansible: runs a tool's playbooks, once in a builder (`install.yml`) and in every live range (`configure.yml`).

Knows: that a playbook is foreign code, so Ansible runs in a jail (ports.Jails) that reaches nothing but the broker of
its run, and how a run is begun, watched and ended.
Must never: run Ansible, or anything of a tool's, in a process of this machine.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from range.errors import Invalid, Problem, ProvisionFailed, Refused
from range.layout import FileSpec, Layout
from range.ports import Builders, Engine, ExecResult, Images, Jail, Jails, Placed
from range.provisioner import inventory
from range.provisioner.broker import Broker, Target, until
from range.provisioner.exchange import Exchange
from range.provisioner.hearing import Hearing, Progress, plain
from range.provisioner.parcel import clear_dead_runs, command, parcel
from range.provisioner.policy import task_count, violations
from range.provisioner.room import Room
from range.provisioner.tree import TreeFile, install_digest, read_tree
from range.references import TOOLS
from range.tool import Tool

INSTALL_SECONDS = 1800.0
CONFIGURE_SECONDS = 600.0
IMAGE = "jointrange/ansible"
PROBLEMS_MOST = 50
"""Broken rules that are told at once."""
_POLL = 0.1


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
    """ports.Provisioner. `forks`: how many nodes are worked on at a time. `stop`: set it, and what runs ends soon.

    `room`: places for its runs, shared with the process's other provisioners.
    """

    def __init__(
        self,
        engine: Engine,
        images: Images,
        builders: Builders,
        jails: Jails,
        *,
        forks: int = 8,
        room: Room | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._engine = engine
        self._images = images
        self._builders = builders
        self._jails = jails
        self._forks = forks
        self._room = room or Room()
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
        with self._place(tool, tool.install, progress):
            if self._images.digest(reference) is not None:  # another installed it meanwhile
                return reference
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
                self._play(run, tree, progress)
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
        with self._place(tool, tool.configure, progress):
            self._play(run, tree, progress)

    def check(self, tool: Tool, folder: Path) -> None:
        """The rules of range/provisioner/policy.py, before anything is started. Raises Refused."""
        check(tool, read_tree(folder))

    def faults(self, tool: Tool, folder: Path) -> tuple[Problem, ...]:
        """Every rule of range/provisioner/policy.py that the folder breaks, by position in it."""
        return broken(tool, read_tree(folder))

    def sweep(self, *, everything: bool = False) -> list[str]:
        """Remove the private folders and containers of runs whose process was killed; the containers' names.

        `everything`: the containers of all runs of this installation.
        """
        clear_dead_runs()
        return self._jails.sweep_jails(everything=everything)

    def _place(self, tool: Tool, playbook: str, progress: Progress) -> AbstractContextManager[None]:
        """A place for one run. Raises ProvisionFailed: it was stopped before there was one."""
        return self._room.place(f"tool {tool.name}: {playbook}", self._stop, progress)

    def _play(self, run: Run, tree: Sequence[TreeFile], progress: Progress) -> None:
        image = self._images.ensure(IMAGE, progress)

        def start() -> Jail:
            return self._jails.start_jail(image, command(), f"{run.tool.name}-{uuid4().hex[:8]}")

        play(run, tree, self._forks, self._stop, progress, start)


def check(tool: Tool, tree: Sequence[TreeFile]) -> None:
    """Raises Refused: a playbook is missing or breaks a rule; every fault at once, with its position."""
    names = {file.name for file in tree}
    for playbook in (tool.install, tool.configure):
        if playbook is not None and playbook not in names:
            raise Refused(
                f"tool {tool.name}: there is no playbook {playbook} in its folder",
                hint=f"it holds {', '.join(sorted(names)[:8])}",
            )
    problems = broken(tool, tree)
    if problems:
        left = len(problems) - PROBLEMS_MOST
        more = f"\nand {left} more" if left > 0 else ""
        raise Refused(
            f"tool {tool.name}: its playbooks break the rules for foreign code:\n"
            f"{Invalid(problems[:PROBLEMS_MOST])}{more}",
            hint="a playbook works on the tool's own nodes, with files of the tool's own folder, and nothing else",
        )


def broken(tool: Tool, tree: Sequence[TreeFile]) -> tuple[Problem, ...]:
    """Every rule the folder breaks, by position."""
    return violations(tree, {tool.install or "", tool.configure or ""})


def tool_image(tool: Tool, tree: Sequence[TreeFile], base: str) -> str:
    """The reference of the image that holds the tool: equal inputs, equal name."""
    key = [base, install_digest(tuple(tree), tool.configure), dict(tool.vars), tool.name, tool.version, tool.install]
    return f"{TOOLS}{tool.name}:{sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]}"


def play(
    run: Run,
    tree: Sequence[TreeFile],
    forks: int,
    stop: threading.Event,
    progress: Progress,
    start: Callable[[], Jail],
) -> None:
    """Run one playbook to its end, in the jail that `start` gives, and keep what it said. Raises ProvisionFailed."""
    run.evidence.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + run.seconds
    total = task_count(tree, run.playbook)
    hosts = inventory.inventory(run.hosts)
    jail = start()
    try:
        with (
            Hearing(run.tool.name, total, progress, run.evidence) as hearing,
            parcel(run.folder, tree, run.playbook, hosts, run.variables, forks) as given,
        ):
            exchange = Exchange(jail, Broker(run.targets, until(deadline)), hearing.feed)
            ended = _watch(lambda: exchange.run(given), jail, deadline, stop)
    finally:
        jail.close()
    if hearing.status != "successful" or ended:
        raise failure(run, hearing, ended, jail.errors())


def _watch(work: Callable[[], str], jail: Jail, deadline: float, stop: threading.Event) -> str:
    """Do the work in a thread of its own, so that the deadline, `stop` and Ctrl-C end it; what was wrong, or ""."""
    ended: list[str | BaseException] = []

    def do() -> None:
        try:
            ended.append(work())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=do, name="ansible", daemon=True)
    thread.start()
    cut = ""
    try:
        while thread.is_alive() and not cut:
            left = deadline - time.monotonic()
            cut = _STOPPED if stop.is_set() else _LATE if left <= 0 else ""
            thread.join(max(0.0, min(_POLL, left)))
    finally:
        if thread.is_alive():
            jail.close()
            thread.join()
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return cut or ended[0]


_STOPPED, _LATE = "stopped", "late"


def failure(run: Run, hearing: Hearing, ended: str, errors: str) -> ProvisionFailed:
    """What went wrong, in the words of the task that failed. `ended`: why it was cut short; `errors`: last words."""
    hint = f"the full output is in {run.evidence}"
    what = f"tool {run.tool.name}: {run.playbook}"
    host, task, words = hearing.reason()
    errors = plain(errors)
    if ended == _LATE:
        said = f"{what} did not end within {run.seconds:.0f} s, in task {hearing.task!r}"
        return ProvisionFailed(said, task=hearing.task, hint=hint)
    if ended == _STOPPED:
        return ProvisionFailed(f"{what} was stopped in task {hearing.task!r}", task=hearing.task, hint=hint)
    if ended:
        return ProvisionFailed(f"{what} was ended in task {hearing.task!r}: {ended}", task=hearing.task, hint=hint)
    if host:
        said = f"{what} failed on {host} in task {task!r}:\n{words}"
        return ProvisionFailed(said, host=host, task=task, hint=hint)
    if not hearing.status:
        said = f"{what} ended in task {task!r} without a result (its container has 1 GiB of memory, files included)"
        return ProvisionFailed("\n".join(filter(None, (said, errors or words))), task=task, hint=hint)
    return ProvisionFailed(f"{what} could not be run ({hearing.status}):\n{words or errors}", hint=hint)
