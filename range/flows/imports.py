"""An import: read a foreign file or folder, take what can be taken, write a scenario and its files.

Knows: the order, and that nothing is dropped silently: every test and every file that was not read is in the account.
Must never: know a format, fetch anything, or write over a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from range import catalogue
from range.catalogue.finding import RECORDING_AT_MOST, content
from range.catalogue.foreign import Broken, Foreign, foreign
from range.catalogue.reading import BYTES_AT_MOST
from range.catalogue.writing import written
from range.errors import Conflict, Exhausted, Invalid, Refused
from range.importing import Defaults, Item, Kind, Overlay, imported, kind_of, once, scenario_of
from range.importing.items import mapping


@dataclass(frozen=True, slots=True)
class Import:
    """What became of every test, and of every file without one. `folders`: document -> where it lies.

    `strange`: tests the overlay names and nobody has, perhaps for a slip in their name.
    """

    items: tuple[Item, ...]
    broken: tuple[Broken, ...]
    folders: Mapping[str, Path]
    strange: tuple[str, ...] = ()

    def count(self, outcome: str) -> int:
        """How many tests are `taken`, `limited` or `refused`."""
        return sum(item.outcome == outcome for item in self.items)


def take(path: Path, kind: Kind | None, overlay: Overlay, defaults: Defaults, only: Collection[str] = ()) -> Import:
    """Every test of a file or folder; a file of our own, such as an overlay, holds none.

    `only`: identities of tests; others are left aside, and each of these must be there.

    Raises NotFound, Invalid (the one file is broken), Refused (too many files, or a name in `only` that is no test's).
    """
    found = foreign(path)
    items: list[Item] = []
    broken = list(found.broken)
    for document in found.documents:
        what = kind or kind_of(document)
        if what is None and str(mapping(document.value).get("schema", "")).startswith("jointrange."):
            continue
        if what is None:
            broken.append(Broken(document.file, "it is in no format known here"))
        else:
            items += imported(document, what, overlay, defaults)
    nobodys = tuple(name for name in overlay.tests if not any(_named(item, name) for item in items))
    if only:
        wanted = {name.lower() for name in only}
        strange = wanted - {item.name.lower() for item in items}
        if strange:
            raise Refused(f"there is no test {', '.join(sorted(strange))} in {path}", hint="--only takes identities")
        items = [item for item in items if item.name.lower() in wanted]
    sized = tuple(_sized(item, found) for item in once(items))
    return Import(sized, tuple(broken), found.folders, nobodys)


def _named(item: Item, name: str) -> bool:
    """Whether an overlay's name means this test; a test of go-ftw may have stages, each an item."""
    return item.name == name or (item.kind == "ftw" and item.name.startswith(f"{name}-"))


def _sized(item: Item, found: Foreign) -> Item:
    """The item, refused when a file of it is too large to be a scenario's."""
    beside = next((one.beside for one in found.documents if one.file == item.file), {})
    at_most = RECORDING_AT_MOST if item.kind == "replay" else BYTES_AT_MOST
    large = [name for name in item.files.values() if beside.get(name, 0) > at_most]
    why = tuple(f"its file `{name}` is larger than {at_most // 2**20} MiB" for name in large)
    return replace(item, step=None, refused=(*item.refused, *why)) if why else item


def save(made: Import, out: Path, title: str, attack: str) -> tuple[Path, ...]:
    """Write the scenario, the files of its steps beside it, and an account of the import; the paths, scenario first.

    The scenario is read back and checked. Raises Refused (nothing was taken, or too much), Conflict (a file is already
    there), Exhausted (the disk), Invalid (a file of a test changed under our hands).
    """
    name = re.sub(r"[^a-z0-9]+", "-", out.stem.lower()).strip("-")[:40].rstrip("-")
    name = name if name[:1].isalpha() else f"import-{name}"[:40].rstrip("-")
    scenario = scenario_of(made.items, name, title, attack)
    if scenario is None:
        raise Refused("no test could be taken, so no scenario was written", hint="the table says why for each")
    plain = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    try:
        text = written(plain)
    except Invalid as error:
        what = f"{len(scenario.steps)} steps do not fit into one scenario: {error.problems[0].what}"
        raise Refused(what, hint="import a smaller folder, or choose tests by --only") from error
    files = {out.parent / there: data for there, data in _contents(made).items()}
    account = out.with_name(f"{out.stem}.import.json")
    texts = {out: text.encode(), account: json.dumps(told(made), indent=1).encode() + b"\n"}
    for path, data in {**texts, **files}.items():
        if path.exists() and not (path in files and path.is_file() and path.read_bytes() == data):
            raise Conflict(f"{path} is already there", hint="choose another --out, or remove it")
    try:
        for path, data in {**files, **texts}.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise Exhausted(f"cannot write {error.filename}: {error.strerror}", hint="choose another --out") from error
    catalogue.scenario(out)
    return (*texts, *files)


def told(made: Import) -> dict[str, object]:
    """The account: what was taken, with identities and digests, and what was not, with reasons. Plain data."""
    return {
        "schema": "jointrange.import/1",
        "counts": {name: made.count(name) for name in ("taken", "limited", "refused")} | {"unread": len(made.broken)},
        "tests": [
            {
                "name": item.name, "title": item.title, "file": item.file, "kind": item.kind, "sha256": item.digest,
                "outcome": item.outcome, "step": item.step.id if item.step else None,
                "limits": list(item.limits), "refused": list(item.refused),
                "files": _digests(made, item) if item.step else {},
            }
            for item in made.items
        ],
        "overlay_names_no_test": list(made.strange),
        "unread": [{"file": one.file, "why": one.why} for one in made.broken],
    }  # fmt: skip


def _digests(made: Import, item: Item) -> dict[str, str]:
    folder = made.folders[item.file]
    at_most = RECORDING_AT_MOST
    return {
        there: hashlib.sha256(content(folder / name, at_most)).hexdigest() for there, name in sorted(item.files.items())
    }


def _contents(made: Import) -> dict[str, bytes]:
    """Every file of a test that was taken: where it goes, from the scenario's folder -> its bytes."""
    return {
        there: content(made.folders[item.file] / name, RECORDING_AT_MOST)
        for item in made.items
        if item.step is not None
        for there, name in item.files.items()
    }
