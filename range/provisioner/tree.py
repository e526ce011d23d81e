"""A tool's folder as data: what the playbook rules and the digest look at.

Knows: how a folder is read. Must never: follow a symbolic link.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from range.catalogue.finding import LEAVINGS

MANIFEST = "tool.yaml"
READ_MOST = 1 << 20
"""Bytes of a file whose content is read; of a larger one only its digest is known."""
_ROLE_FOLDERS = ("tasks", "handlers", "vars", "defaults", "meta")
"""Where Ansible takes a file called `main`, without an ending, for YAML."""


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of the folder. `name` is relative, with slashes; `content` is empty when it is `large`."""

    name: str
    content: bytes
    digest: str
    executable: bool = False
    link: bool = False
    large: bool = False

    @property
    def path(self) -> PurePosixPath:
        """The name as a path."""
        return PurePosixPath(self.name)

    @property
    def is_yaml(self) -> bool:
        """Whether Ansible may read it as YAML."""
        in_role = self.path.name == "main" and self.path.parent.name in _ROLE_FOLDERS
        return in_role or self.path.suffix in (".yml", ".yaml", ".json")


def read_tree(folder: Path) -> tuple[TreeFile, ...]:
    """Every file and symbolic link of the folder, by name."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if LEAVINGS & set(relative.parts):
            continue
        if path.is_symlink():
            found.append(TreeFile(relative.as_posix(), b"", "", link=True))
        elif path.is_file():
            found.append(_read(path, relative.as_posix()))
    return tuple(found)


def copy_tree(folder: Path, target: Path, files: Iterable[TreeFile]) -> None:
    """A private copy of what was read, so that it cannot change between the check and the run."""
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        place = target / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.content:
            place.write_bytes(file.content)
            place.chmod(0o755 if file.executable else 0o644)
        else:
            shutil.copy2(folder / file.name, place, follow_symlinks=False)


def tree_digest(files: Iterable[TreeFile], without: Iterable[str] = ()) -> str:
    """SHA-256 over name, mode and content of every file but those named."""
    hashed, left_out = sha256(), set(without)
    for file in files:
        if file.name not in left_out:
            kind = "l" if file.link else "x" if file.executable else "-"
            hashed.update(f"{file.name}\0{kind}\0{file.digest}\n".encode())
    return hashed.hexdigest()


def install_digest(files: tuple[TreeFile, ...], configure: str | None) -> str:
    """The digest of what `install.yml` can depend on.

    The manifest is not part of it (its values go into the key one by one), nor is the configure playbook,
    unless another YAML file mentions it: so that work on `configure.yml` does not install the tool again.
    """
    without = [MANIFEST]
    if configure:
        others = [file for file in files if file.is_yaml and file.name not in (MANIFEST, configure)]
        if not any(PurePosixPath(configure).name.encode() in file.content for file in others):
            without.append(configure)
    return tree_digest(files, without)


def _read(path: Path, name: str) -> TreeFile:
    executable = bool(path.stat().st_mode & 0o111)
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    with path.open("rb") as file:
        content = file.read(READ_MOST + 1)
    large = len(content) > READ_MOST
    return TreeFile(name, b"" if large else content, digest, executable, large=large)
