"""Packing: the files of a document, as they came in and before they mean anything.

Knows: which paths and sizes are let in, and what a bundled thing's files are.
Must never: follow a link, write outside the folder it is given, or read YAML.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from range import catalogue
from range.catalogue.finding import files_in, is_path
from range.errors import Invalid, Problem, Where
from range.rows import DocumentKind
from range.wire import Upload

PART = re.compile(r"[\w@+=~%-][\w @+=~%.,()-]{0,99}|\.[\w@+=~%-][\w @+=~%.,()-]{0,98}")
PARTS_AT_MOST = 12
YAML_AT_MOST = 256 << 10
"""Bytes of one YAML file: reading it is slow, and what people write is a tenth of that."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Packed:
    """Files by relative path, and which of them is the thing itself."""

    kind: DocumentKind
    main: str
    files: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(content) for content in self.files.values())

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, hex: equal for equal files in any order."""
        whole = sha256(f"{self.kind}\n{self.main}\n".encode())
        for path, content in sorted(self.files.items()):
            whole.update(f"{path}\n{sha256(content).hexdigest()}\n".encode())
        return whole.hexdigest()


def packed(kind: DocumentKind, upload: Upload, at_most: int) -> Packed:
    """The upload's files. `at_most`: bytes together. Raises Invalid with every fault, each at the file it is about."""
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    size = 0
    for file in upload.files:
        shown = _shown(file.path)
        problem = _path_fault(file.path, files)
        if problem:
            problems.append(Problem(Where(shown, 0, 0), *problem))
            continue
        try:
            files[file.path] = _content(file.text, file.base64)
        except ValueError as error:
            problems.append(Problem(Where(shown, 0, 0), str(error), "give each file a `text` or a `base64`"))
            continue
        size += len(files[file.path])
    if size > at_most:
        what = f"the files are {size} bytes together, and {at_most} is the most"
        problems.append(Problem(Where(_shown(upload.main), 0, 0), what, "leave out what the document does not name"))
    for path, content in files.items():
        if (path == upload.main or path.endswith((".yaml", ".yml"))) and len(content) > YAML_AT_MOST:
            what = f"a YAML file of {len(content)} bytes is not taken; {YAML_AT_MOST} is the most"
            problems.append(Problem(Where(path), what, "keep data in files of other kinds, named by `source`"))
    if not problems and upload.main not in files:
        what = f"`main` names {_shown(upload.main)}, which is not among the files"
        problems.append(Problem(Where(_shown(upload.main), 0, 0), what, "name one of the paths in `files`"))
    if problems:
        raise Invalid(problems)
    return Packed(kind, upload.main, files)


def _shown(path: str) -> str:
    return path[:_SHOWN].encode("ascii", "backslashreplace").decode().replace("\n", "\\n") or "(no name)"


def _content(text: str | None, coded: str | None) -> bytes:
    if (text is None) == (coded is None):
        raise ValueError("a file has either a text or a base64, and not both")
    if text is not None:
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text holds half a character, which no file can") from None
    try:
        return base64.b64decode(coded or "", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64") from None


def _path_fault(path: str, taken: Mapping[str, bytes]) -> tuple[str, str] | None:
    """What is wrong with a path and what to do, or None."""
    parts = path.split("/")
    plain = "write a relative path of letters, digits and `.-_`, with `/` between its parts"
    if path.startswith("/"):
        return "an absolute path is not taken", plain
    if ".." in parts or "." in parts:
        return "a path with `.` or `..` in it is not taken", plain
    if len(parts) > PARTS_AT_MOST:
        return f"a path of more than {PARTS_AT_MOST} parts is not taken", plain
    if not all(PART.fullmatch(part) and len(part.encode()) <= 200 for part in parts):
        return "this path has a part that is empty, too long, or holds what no file name here may hold", plain
    if path in taken:
        return "this path is given twice", "keep one of the two"
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    if above & set(taken) or any(other.startswith(path + "/") for other in taken):
        return "this path is a file and a folder at once", "rename one of the two"
    return None


def unpack(packed: Packed, folder: Path) -> Path:
    """Write the files into a folder that is there and empty; the path of the main one."""
    for path, content in packed.files.items():
        place = folder.joinpath(*PurePosixPath(path).parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder.joinpath(*PurePosixPath(packed.main).parts)


def bundled(kind: DocumentKind, name: str) -> Packed:
    """The files of a bundled thing, as the installation has them now. Raises NotFound."""
    main = catalogue.root() / catalogue.find(kind, name).resolve().relative_to(catalogue.root().resolve())
    if kind in ("topology", "tool"):
        files = dict(_folder(main.parent))
    elif kind == "scenario":
        loaded = catalogue.scenario(main)
        files = {main.name: main.read_bytes(), **loaded.sources}
    elif kind == "campaign":
        return _campaign(main)
    else:
        files = {main.name: main.read_bytes()}
    return Packed(kind, main.name, files)


def _campaign(main: Path) -> Packed:
    """A bundled campaign, and of the tools beside it those that it names by their path."""
    named = [tool.folder for word, tool in catalogue.campaign(main).tools.items() if is_path(word)]
    if not named:
        return Packed("campaign", main.name, {main.name: main.read_bytes()})
    top = main.parent.parent
    files = {main.relative_to(top).as_posix(): main.read_bytes()}
    for folder in {folder.resolve() for folder in named}:
        place = folder.relative_to(top.resolve()).as_posix()
        files |= {f"{place}/{path}": content for path, content in _folder(folder)}
    return Packed("campaign", main.relative_to(top).as_posix(), files)


def _folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in files_in(folder):
        yield path.relative_to(folder).as_posix(), path.read_bytes()
