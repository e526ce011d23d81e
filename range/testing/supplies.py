"""Images, builders and provisioning in memory, and every port together.

Knows: which images there are said to be, and what was asked of the provisioner.
Must never: build, pull or run anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from range.errors import ImageMissing, Problem, ProvisionFailed
from range.layout import FileSpec, Layout
from range.ports import ExecResult, Placed, Ports
from range.testing.clock import FakeClock
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.terminals import MemoryTerminals
from range.testing.world import said
from range.tool import Tool


class MemoryImages:
    """ports.Images. Every `jointrange/<kind>` is here; `missing` are those that nobody can get."""

    def __init__(self, kinds: Sequence[str] = ("base", "fabric")) -> None:
        self._kinds = tuple(kinds)
        self.here = {f"jointrange/{kind}": f"sha256:{kind}" for kind in kinds}
        self.missing: set[str] = set()
        self.asked: list[str] = []

    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be built here."""
        return self._kinds

    def digest(self, reference: str) -> str | None:
        """Its digest, or None."""
        return None if reference in self.missing else self.here.get(reference)

    def ensure(self, reference: str, progress: Callable[[str], None]) -> str:
        """Have it here. Raises ImageMissing for those in `missing`."""
        self.asked.append(reference)
        if reference in self.missing:
            raise ImageMissing(f"there is no image {reference}", hint="`jointrange images build` makes our own")
        if reference not in self.here:
            progress(f"{reference}: building")
        return self.here.setdefault(reference, f"sha256:{reference}")

    def ensure_all(self, references: Iterable[str], progress: Callable[[str], None]) -> dict[str, str]:
        """`ensure` for several."""
        return {reference: self.ensure(reference, progress) for reference in references}


class MemoryBuilders:
    """ports.Builders: builders are names, and what they are told is kept in `commands`."""

    def __init__(self, images: MemoryImages) -> None:
        self.images = images
        self.running: list[str] = []
        self.commands: list[tuple[str, ...]] = []

    def start_builder(self, reference: str, name: str) -> str:
        """A builder from an image that is here. Raises ImageMissing."""
        self.images.ensure(reference, lambda _line: None)
        self.running.append(name)
        return name

    def exec_builder(
        self, builder: str, argv: Sequence[str], *, timeout: float | None = None, user: str = ""
    ) -> ExecResult:
        """Ends well, silently."""
        self.commands.append(tuple(argv))
        return said()

    def write_builder(self, builder: str, files: Sequence[FileSpec]) -> None:
        """Noted."""
        self.commands += [("write", file.path) for file in files]

    def commit_builder(self, builder: str, reference: str) -> str:
        """The image is here from now on."""
        return self.images.here.setdefault(reference, f"sha256:{reference}")

    def remove_builder(self, builder: str) -> None:
        """Always safe to call."""
        if builder in self.running:
            self.running.remove(builder)

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        """All of them."""
        gone, self.running = self.running, []
        return gone


class MemoryProvisioner:
    """ports.Provisioner. `fails` are tools whose playbooks fail; `installed` and `configured` are what was asked."""

    def __init__(self) -> None:
        self.fails: set[str] = set()
        self.installed: list[tuple[str, str]] = []
        self.configured: list[tuple[str, tuple[str, ...]]] = []

    def install(self, tool: Tool, folder: Path, image: str, evidence: Path, progress: Callable[[str], None]) -> str:
        """The image's name with the tool's in it."""
        self._check(tool)
        self.installed.append((tool.name, image))
        return f"{image}-with-{tool.name}"

    def configure(
        self, range_id: str, layout: Layout, placed: Placed, evidence: Path, progress: Callable[[str], None]
    ) -> None:
        """Noted."""
        self._check(placed.tool)
        self.configured.append((placed.tool.name, placed.nodes))

    def check(self, tool: Tool, folder: Path) -> None:
        """Everything keeps the rules here."""

    def faults(self, tool: Tool, folder: Path) -> tuple[Problem, ...]:
        """None."""
        return ()

    def sweep(self, *, everything: bool = False) -> list[str]:
        """Nothing of it outlives a process."""
        return []

    def _check(self, tool: Tool) -> None:
        if tool.name in self.fails:
            raise ProvisionFailed(
                f"{tool.name}: a task failed", host="somewhere", task="fail", hint="mend its playbook"
            )


def memory_ports(engine: MemoryEngine | None = None, switchboard: MemorySwitchboard | None = None) -> Ports:
    """Every port in memory, over one fake clock."""
    engine = engine or MemoryEngine(FakeClock())
    images = MemoryImages()
    return Ports(
        engine=engine,
        switchboard=switchboard or MemorySwitchboard(engine),
        images=images,
        builders=MemoryBuilders(images),
        provisioner=MemoryProvisioner(),
        clock=engine.clock,
        stop=engine.clock.cancelled,
        terminals=MemoryTerminals(engine),
    )
