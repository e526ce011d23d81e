"""From files on this machine to an upload: a file and everything it names, with the folders between them.

Knows: what belongs to a topology, a tool, a scenario, a profile and a campaign. What is bundled is left out: the
service has its own. Must never: send a file that none of them names (but for a tool's own folder, its playbooks), or
follow a symbolic link out of it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from range import catalogue
from range.catalogue import LoadedCampaign, LoadedTool
from range.catalogue.finding import files_in, is_path
from range.errors import Invalid, Problem, RangeError, Where
from range.rows import DocumentKind
from range.wire import Upload, UploadFile


@dataclass(frozen=True, slots=True)
class Parcel:
    """An upload, its document's name, and the folder of this machine that its paths begin in."""

    name: str
    upload: Upload
    folder: Path

    def here(self, error: RangeError) -> RangeError:
        """The error with positions as the user knows the files; any other as it is."""
        if not isinstance(error, Invalid):
            return error
        sent = {file.path for file in self.upload.files}
        return Invalid([
            Problem(Where(_shown(self.folder / one.where.file), one.where.line, one.where.column), one.what, one.hint)
            if one.where.file in sent else one
            for one in error.problems
        ])  # fmt: skip


def pack(kind: DocumentKind, path: str | Path) -> Parcel:
    """A file of this machine, checked here first. Raises Invalid (every problem at once), NotFound."""
    match kind:
        case "topology":
            place = catalogue.topology(Path(path))
            return _packed(place.topology.name, place.path, _beside(place.path, place.sources))
        case "tool":
            tool = catalogue.tool(Path(path))
            return _packed(tool.tool.name, tool.path, _tool(tool))
        case "scenario":
            story = catalogue.scenario(Path(path))
            return _packed(story.scenario.name, story.path, _beside(story.path, story.sources))
        case "benign":
            profile = catalogue.benign(Path(path))
            return _packed(profile.profile.name, profile.path, [])
        case "campaign":
            whole = catalogue.campaign(Path(path))
            return _packed(whole.campaign.name, whole.path, _campaign(whole))


def _campaign(whole: LoadedCampaign) -> list[Path]:
    """What a campaign names by path."""
    told, found = whole.campaign, []
    if is_path(told.topology):
        found += [whole.topology.path, *_beside(whole.topology.path, whole.topology.sources)]
    if is_path(told.scenario):
        found += [whole.scenario.path, *_beside(whole.scenario.path, whole.scenario.sources)]
    if whole.profile is not None and told.benign is not None and is_path(told.benign):
        found.append(whole.profile.path)
    for word, tool in whole.tools.items():
        if is_path(word):
            found += [tool.path, *_tool(tool)]
    return found


def _tool(tool: LoadedTool) -> list[Path]:
    """A tool's folder: its playbooks, roles, templates, rules."""
    return [*files_in(tool.folder), *_beside(tool.path, tool.sources)]


def _beside(path: Path, names: Iterable[str] | Mapping[str, bytes]) -> list[Path]:
    return [path.parent / name for name in names]


def _packed(name: str, main: Path, others: Sequence[Path]) -> Parcel:
    paths = sorted({_absolute(path) for path in (main, *others)})
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    files = tuple(_file(path, path.relative_to(folder).as_posix()) for path in paths)
    return Parcel(name, Upload(main=_absolute(main).relative_to(folder).as_posix(), files=files), folder)


def _file(path: Path, name: str) -> UploadFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Invalid([Problem(Where(str(path), 0), f"the file cannot be read: {error.strerror}")]) from error
    try:
        return UploadFile(path=name, text=content.decode("utf-8"))
    except UnicodeDecodeError:
        return UploadFile(path=name, base64=base64.b64encode(content).decode())


def _absolute(path: Path) -> Path:
    """Without `..`, and with symbolic links as they are."""
    return Path(os.path.abspath(path))


def _shown(path: Path) -> str:
    """As short as the user would write it."""
    try:
        return str(PurePosixPath(path.relative_to(Path.cwd())))
    except ValueError:
        return str(path)
