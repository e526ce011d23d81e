"""Documents: topologies, tools, scenarios, benign profiles and campaigns as they were uploaded, by digest.

Knows: how files become a row and a folder again, and whose they are. Bundled things are adopted (kept as they are now)
by an organisation when it first uses them.
Must never: believe a path, show one of the server's, or change a document that is there.

    checked = documents.check(service, "topology", upload)          # slow: reads YAML; outside every transaction
    row, new = documents.save(rows, who, checked, now)              # quick
    documents.layout_of(service, row.id, ())
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from range import catalogue
from range.catalogue import LoadedCampaign, LoadedProfile, LoadedScenario, LoadedTool, LoadedTopology
from range.errors import Invalid, NotFound, Problem, RangeError, Refused, Where
from range.flows import defended
from range.hints import known_names
from range.layout import Layout, resolve
from range.ports import Provisioner
from range.rows import DocumentKind, DocumentRow, FileRow
from range.service.context import Principal, Service
from range.service.naming import fenced
from range.service.packing import Packed, bundled, packed, unpack
from range.stores import Reading, Writing
from range.wire import KINDS, DocumentView, Upload

Loaded = LoadedTopology | LoadedTool | LoadedScenario | LoadedProfile | LoadedCampaign

_PROBLEMS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that is valid, ready to be saved."""

    packed: Packed
    name: str
    title: str
    bundled: bool = False


# --- in -----------------------------------------------------------------------------------------------------------


def check(service: Service, kind: DocumentKind, upload: Upload) -> Checked:
    """Whether the files are a valid document of this kind. Raises Invalid: every problem, under the caller's names."""
    return checked(packed(kind, upload, service.limits.document), service.ports().provisioner)


def checked(files: Packed, provisioner: Provisioner | None = None, *, ours: bool = False) -> Checked:
    """The same for files that are packed already. `provisioner`: it looks at the playbooks of the tools among them.

    `ours`: they come with the installation.
    """
    with tempfile.TemporaryDirectory(prefix="jointrange-") as folder, _named_as_given(Path(folder)):
        main = unpack(files, Path(folder))
        if files.kind == "campaign":
            fenced(files)
        loaded = _load(files.kind, main)
        if isinstance(loaded, LoadedTopology):
            resolve(loaded.topology, loaded.sources)
        if provisioner is not None:
            _look_at_playbooks(provisioner, loaded, Path(folder))
    name, title = _called(loaded)
    return Checked(files, name, title, ours)


@contextmanager
def _named_as_given(folder: Path) -> Iterator[None]:
    """Errors raised inside name files as the caller did, and none of the server's folders."""
    places = [f"{place}/" for place in (folder, folder.resolve(), catalogue.root())]

    def clean(text: str) -> str:
        for place in places:
            text = text.replace(place, "")
        return text

    try:
        yield
    except Invalid as error:
        found = [
            Problem(Where(clean(one.where.file), one.where.line, one.where.column), clean(one.what), clean(one.hint))
            for one in error.problems[:_PROBLEMS_AT_MOST]
        ]
        raise Invalid(found) from None
    except RangeError as error:
        raise Invalid([Problem(Where("(upload)", 0, 0), clean(str(error)), clean(error.hint))]) from None


def _load(kind: DocumentKind, main: Path) -> Loaded:
    match kind:
        case "topology":
            return catalogue.topology(main)
        case "tool":
            return catalogue.tool(main)
        case "scenario":
            return catalogue.scenario(main)
        case "benign":
            return catalogue.benign(main)
        case "campaign":
            return catalogue.campaign(main)


def _look_at_playbooks(provisioner: Provisioner, loaded: Loaded, folder: Path) -> None:
    """Raises Invalid: playbooks of a tool in the folder break the rules for foreign code. Those elsewhere are ours."""
    match loaded:
        case LoadedTool():
            tools = [loaded]
        case LoadedCampaign(tools=named):
            tools = list({one.path: one for one in named.values()}.values())
        case _:
            return
    found: list[Problem] = []
    for one in tools:
        if one.folder.resolve().is_relative_to(folder.resolve()):
            for problem in provisioner.faults(one.tool, one.folder):
                where = replace(problem.where, file=f"{one.folder}/{problem.where.file}")
                found.append(replace(problem, where=where))
    if found:
        raise Invalid(found)


def _called(loaded: Loaded) -> tuple[str, str]:
    """Its name and its title."""
    match loaded:
        case LoadedTopology(topology=one):
            return one.name, one.description.strip().partition("\n")[0]
        case LoadedTool(tool=tool):
            return tool.name, tool.title
        case LoadedScenario(scenario=story):
            return story.name, story.title
        case LoadedProfile(profile=users):
            return users.name, users.title
        case LoadedCampaign(campaign=campaign):
            return campaign.name, campaign.title


def save(rows: Writing, who: Principal, made: Checked, now: float) -> tuple[DocumentRow, bool]:
    """The document's row, and whether it is new. One that was there is the newest of its name again.

    What somebody uploaded is noted; a bundled thing is not: the entry of what uses it names it.
    """
    digest, kind = made.packed.digest, made.packed.kind
    key = f"{who.org}:{kind}:{digest}"
    there = rows.get(DocumentRow, key)
    if there is not None:
        if made.bundled or (not there.hidden and _newest_own(rows, there) == there):
            return there, False
        newest = replace(there, hidden=False, bundled=False, created=now, version=there.version + 1)
        rows.remove(DocumentRow, key)
        rows.add(newest)
        _note(rows, who, "documents.upload", newest)
        return newest, False
    row = DocumentRow(
        id=key,
        org=who.org,
        created=now,
        kind=kind,
        name=made.name,
        title=made.title[:200],
        digest=digest,
        main=made.packed.main,
        size=made.packed.size,
        actor=who.id,
        bundled=made.bundled,
    )
    rows.add(row)
    for path, content in made.packed.files.items():
        rows.add(FileRow(id=f"{key}:{path}", org=who.org, created=now, document=key, path=path, content=content))
    if not made.bundled:
        _note(rows, who, "documents.upload", row)
    return row, True


def _note(rows: Writing, who: Principal, action: str, row: DocumentRow) -> None:
    rows.note(row.org, who.id, action, f"document/{row.id}", kind=row.kind, name=row.name)


def _newest_own(rows: Reading, like: DocumentRow) -> DocumentRow | None:
    found = rows.find(
        DocumentRow, org=like.org, kind=like.kind, name=like.name, hidden=False, bundled=False, newest=True, limit=1
    )
    return found[0] if found else None


# --- found again --------------------------------------------------------------------------------------------------


def adopt(rows: Writing, service: Service, who: Principal, kind: DocumentKind, reference: str) -> DocumentRow:
    """What the reference means: the organisation's own document, else a bundled one, adopted now. Raises NotFound."""
    found = look(rows, service, who, kind, reference)
    if isinstance(found, DocumentRow):
        return found
    return save(rows, who, found, service.store.now())[0]


def look(rows: Reading, service: Service, who: Principal, kind: DocumentKind, reference: str) -> DocumentRow | Checked:
    """The same without adopting: a row, or a bundled thing that is none yet. Raises NotFound."""
    name, _, digest = reference.partition("@")
    mine = rows.find(DocumentRow, org=who.org, kind=kind, name=name, newest=True)
    own = [row for row in mine if not row.hidden and row.digest.startswith(digest)]
    chosen = own if digest else [row for row in own if not row.bundled]
    if digest and len({row.digest for row in chosen}) > 1:
        raise Refused(f"{reference} means several versions of {name}", hint="write more of the digest")
    if chosen:
        return chosen[0]
    if name in catalogue.names(kind):
        known = bundled_one(service, kind, name)
        if known.packed.digest.startswith(digest):
            there = rows.get(DocumentRow, f"{who.org}:{kind}:{known.packed.digest}")
            return there if there is not None and not there.hidden else known
    raise _none(rows, who, kind, reference)


def _none(rows: Reading, who: Principal, kind: DocumentKind, reference: str) -> NotFound:
    name, _, digest = reference.partition("@")
    own = {row.name for row in rows.find(DocumentRow, org=who.org, kind=kind, hidden=False, limit=500)}
    known = sorted(own | set(catalogue.names(kind)))
    newest = "leave out `@` and what is behind it: the newest version is taken then"
    hint = newest if digest and name in known else known_names(name, known)
    return NotFound(f"there is no {KINDS[kind].noun} called {reference}", hint=hint)


def bundled_one(service: Service, kind: DocumentKind, name: str) -> Checked:
    """A bundled thing as it was when this process first looked at it."""
    return service.memo.get(("bundled", kind, name), lambda: checked(bundled(kind, name), ours=True))


def listed(rows: Reading, service: Service, who: Principal, kind: DocumentKind) -> tuple[DocumentView, ...]:
    """The newest of each name, sorted by name; bundled ones that no own one hides among them."""
    found: dict[str, DocumentView] = {}
    for row in rows.find(DocumentRow, org=who.org, kind=kind, hidden=False, bundled=False, newest=True):
        found.setdefault(row.name, view(row))
    for name in catalogue.names(kind):
        found.setdefault(name, seen(look(rows, service, who, kind, name)))
    return tuple(found[name] for name in sorted(found))


def versions(
    rows: Reading, service: Service, who: Principal, kind: DocumentKind, name: str
) -> tuple[DocumentView, ...]:
    """Every version of one name, newest first; the bundled one last. Raises NotFound."""
    own = [view(row) for row in rows.find(DocumentRow, org=who.org, kind=kind, name=name, hidden=False, newest=True)]
    if name in catalogue.names(kind):
        now = bundled_one(service, kind, name)
        if all(one.digest != now.packed.digest for one in own):
            own.append(seen(now))
    if not own:
        raise _none(rows, who, kind, name)
    return tuple(own)


def seen(found: DocumentRow | Checked) -> DocumentView:
    """What `look` found, for the wire."""
    if isinstance(found, DocumentRow):
        return view(found)
    return DocumentView(
        kind=found.packed.kind,
        name=found.name,
        title=found.title,
        digest=found.packed.digest,
        main=found.packed.main,
        size=found.packed.size,
        created=0.0,
        actor="",
        bundled=found.bundled,
    )


def view(row: DocumentRow) -> DocumentView:
    """A document's row for the wire."""
    return DocumentView(
        kind=row.kind,
        name=row.name,
        title=row.title,
        digest=row.digest,
        main=row.main,
        size=row.size,
        created=row.created,
        actor=row.actor,
        bundled=row.bundled,
    )


def files_of(rows: Reading, found: DocumentRow | Checked) -> Packed:
    """Its files."""
    if isinstance(found, Checked):
        return found.packed
    files = {one.path: one.content for one in rows.find(FileRow, document=found.id)}
    return Packed(found.kind, found.main, files)


def hide(rows: Writing, who: Principal, kind: DocumentKind, reference: str) -> tuple[DocumentRow, ...]:
    """Hide an own document: one version if a digest is named, else every one. Raises NotFound, Refused (bundled)."""
    name, _, digest = reference.partition("@")
    own = rows.find(DocumentRow, org=who.org, kind=kind, name=name, hidden=False, bundled=False)
    chosen = [row for row in own if row.digest.startswith(digest)]
    if not chosen:
        if name in catalogue.names(kind):
            raise Refused(
                f"{name} comes with the installation and cannot be deleted", hint="upload another of its name"
            )
        raise _none(rows, who, kind, reference)
    hidden = tuple(rows.change(DocumentRow, row.id, hidden=True) for row in chosen)
    for row in hidden:
        _note(rows, who, "documents.delete", row)
    return hidden


# --- in use -------------------------------------------------------------------------------------------------------


def unpacked(service: Service, document_id: str) -> Path:
    """The main file of a document, in a folder that holds all of it; written once, whole or not at all.

    Raises NotFound.
    """
    with service.store.reading() as rows:
        row = rows.get(DocumentRow, document_id)
        if row is None:
            raise NotFound(f"there is no document {document_id}")
        place = service.data / "documents" / row.digest
        if not place.is_dir():
            _write(files_of(rows, row), place)
    return place / row.main


def _write(files: Packed, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.parent / f".{place.name}-{uuid.uuid4().hex}"
    draft.mkdir()
    try:
        unpack(files, draft)
        os.rename(draft, place)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not place.is_dir():
            raise


def loaded_topology(service: Service, document_id: str) -> LoadedTopology:
    """A stored topology."""
    return catalogue.topology(unpacked(service, document_id))


def loaded_tools(service: Service, document_ids: Sequence[str]) -> tuple[LoadedTool, ...]:
    """Stored tools, in this order."""
    return tuple(catalogue.tool(unpacked(service, one)) for one in document_ids)


def loaded_campaign(service: Service, document_id: str) -> LoadedCampaign:
    """A stored campaign and all that it names."""
    return catalogue.campaign(unpacked(service, document_id))


def bare_layout(service: Service, topology_id: str) -> Layout:
    """The layout of a topology without tools, computed once."""

    def compute() -> Layout:
        loaded = loaded_topology(service, topology_id)
        return resolve(loaded.topology, loaded.sources)

    return service.memo.get(("layout", topology_id, ()), compute)


def layout_of(service: Service, topology_id: str, tool_ids: Sequence[str]) -> Layout:
    """The layout with the tools in their places, computed once. Raises Refused: a tool has no place."""
    bare = bare_layout(service, topology_id)
    if not tool_ids:
        return bare

    def compute() -> Layout:
        return defended.put(bare, loaded_tools(service, tool_ids)).layout

    return service.memo.get(("layout", topology_id, tuple(tool_ids)), compute)


def layout_found(service: Service, found: DocumentRow | Checked) -> Layout:
    """The layout of a topology that `look` found."""
    if isinstance(found, DocumentRow):
        return bare_layout(service, found.id)

    def compute() -> Layout:
        with tempfile.TemporaryDirectory(prefix="jointrange-") as folder:
            loaded = catalogue.topology(unpack(found.packed, Path(folder)))
        return resolve(loaded.topology, loaded.sources)

    return service.memo.get(("layout of", found.packed.digest), compute)
