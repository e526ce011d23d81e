"""What the architecture tests read: our own files, and their syntax trees."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[2]

AGENT = "range/engine/agent/"
"""Runs inside the fabric container, where nothing of ours is but this folder."""

LEAVINGS = {"__pycache__", "results", "dist", "build"}


@dataclass(frozen=True)
class Source:
    """A Python file; `path` is relative to the root of the checkout, with forward slashes."""

    path: str

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


def files() -> tuple[str, ...]:
    """Every file git tracks or would track; without git, every file but hidden folders and the usual leavings."""
    if (ROOT / ".git").exists() and which("git"):
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        found = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    else:
        found = {name for path in ROOT.rglob("*") if ours(name := path.relative_to(ROOT).as_posix()) and path.is_file()}
    return tuple(sorted(found))


def ours(name: str) -> bool:
    """Whether a file, by its name alone, is one of the project's."""
    folders = name.split("/")[:-1]
    hidden = [folder for folder in folders if folder.startswith(".") and folder != ".ci"]
    return not hidden and not LEAVINGS & set(folders)


def python(*folders: str) -> tuple[Source, ...]:
    """The Python files below these folders; never none, so that no rule can hold of nothing."""
    found = tuple(Source(name) for name in files() if name.endswith(".py") and name.split("/")[0] in folders)
    assert found, f"no Python file below {folders}"
    return found


def core() -> tuple[Source, ...]:
    """The modules of `range` that say something: all but the `__init__.py` of packages."""
    return tuple(source for source in python("range") if not source.path.endswith("/__init__.py"))
