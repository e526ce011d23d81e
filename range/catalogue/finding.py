"""Finding: where bundled and own topologies, tools, scenarios, benign profiles and campaigns are, and their bytes.

Knows: the folders. A name without a slash is bundled; anything with one, or ending in .yaml, is a path.
Must never: look into a file's text.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from range.catalogue.reading import BYTES_AT_MOST
from range.errors import Invalid, NotFound, Problem, Where
from range.hints import known_names

Kind = Literal["topology", "tool", "scenario", "benign", "campaign"]

LEAVINGS = frozenset({"__pycache__", ".git", ".DS_Store"})
"""What programs leave in a folder: no part of what somebody wrote there."""
RECORDING_AT_MOST = 64 * BYTES_AT_MOST
"""Bytes of a pcap that a step may replay."""

_FOLDERS: dict[str, tuple[str, str]] = {
    "topology": ("topologies", "topology.yaml"),
    "tool": ("playbooks/tools", "tool.yaml"),
    "scenario": ("playbooks/attacks", ""),
    "benign": ("playbooks/benign", ""),
    "campaign": ("playbooks/campaigns", ""),
}
_NOUNS: dict[str, str] = {"benign": "benign profile"}


def root() -> Path:
    """The folder that holds `topologies` and `playbooks`: inside the installed package, else the checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent


def names(kind: Kind) -> tuple[str, ...]:
    """The names of everything bundled of that kind, sorted."""
    folder, inner = _FOLDERS[kind]
    place = root() / folder
    if not place.is_dir():
        return ()
    if inner:
        return tuple(sorted(item.name for item in place.iterdir() if (item / inner).is_file()))
    return tuple(sorted(item.stem for item in place.glob("*.yaml") if item.is_file()))


def is_path(reference: str) -> bool:
    """Whether a reference is a path and not a bundled name."""
    return "/" in reference or os.sep in reference or reference.endswith((".yaml", ".yml"))


def find(kind: Kind, reference: str | Path, base: Path | None = None) -> Path:
    """The file that `reference` means: a bundled name, or a path (from `base`, else from the working folder).

    A folder means the file in it that every such folder has. Raises NotFound, with the nearest names as a hint.
    """
    text = str(reference)
    folder, inner = _FOLDERS[kind]
    if isinstance(reference, str) and not is_path(text):
        path = root() / folder / text / inner if inner else root() / folder / f"{text}.yaml"
        if text in names(kind):
            return _shown(path)
        hint = known_names(text, names(kind), none="give the path of a file, e.g. ./my.yaml")
        if ((base or Path()) / text).exists():
            hint = f"for the one in this folder write ./{text}"
        raise NotFound(f"there is no {_NOUNS.get(kind, kind)} called `{text}`", hint=hint)
    path = (base or Path()) / text
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NotFound(f"`{text[:80]}` cannot be opened: {reason}", hint="check the path") from None
    if inner and path.is_dir():
        path = path / inner
    if path.is_file():
        return path
    if path.is_dir():
        raise NotFound(f"{path} is a folder, not a {_NOUNS.get(kind, kind)} file", hint="name the file in it")
    near = known_names(path.name, (item.name for item in path.parent.glob("*.y*ml")) if path.parent.is_dir() else ())
    hint = near or "paths in a file start from that file's folder" if base else near or "check the path"
    raise NotFound(f"there is no file {path}", hint=hint)


def _shown(path: Path) -> Path:
    """The path as people like to read it: from the working folder when it is below that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def content(path: Path, at_most: int = BYTES_AT_MOST) -> bytes:
    """The bytes of a file of no more than so many. Raises NotFound; Invalid when it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(at_most + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Invalid([Problem(Where(str(path)), f"the file cannot be read: {reason}")]) from None
    if len(data) > at_most:
        raise Invalid([Problem(Where(str(path)), f"the file is larger than {_mib(at_most)}", "make it smaller")])
    return data


def beside(folder: Path, name: str, at_most: int = BYTES_AT_MOST) -> tuple[Path | None, str]:
    """A file named by another one, and what is wrong with it: it must be inside `folder`, links followed."""
    if Path(name).is_absolute():
        return None, f"`{name}` is an absolute path; files lie beside the one that names them"
    if ".." in Path(name).parts:
        return None, f"`{name}` leads out of the folder"
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            return None, f"`{name}` leads out of the folder"
        if path.is_dir():
            return None, f"`{name}` is a folder, not a file"
        if not path.is_file():
            return None, f"there is no file `{name}`"
        if path.stat().st_size > at_most:
            return None, f"`{name}` is larger than {_mib(at_most)}"
    except (OSError, ValueError, RuntimeError) as error:
        return None, f"`{name}` cannot be read: {getattr(error, 'strerror', None) or error}"
    return path, ""


def files_in(folder: Path) -> tuple[Path, ...]:
    """Every file of a tool's or topology's folder, sorted: no symbolic links, and no leavings."""
    return tuple(
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not LEAVINGS & set(path.relative_to(folder).parts)
    )


def _mib(size: int) -> str:
    return f"{size // 2**20} MiB"
