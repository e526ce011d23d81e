"""Verify a bundle or a sealed folder: every byte, every digest, every signature.

Knows: which file to blame when two disagree. The statement has the manifest's digest, the manifest that of every file.
Must never: judge evidence again (range/bundle/opening.py does), change anything, or call a key trusted that the reader
did not name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from range.bundle import contents, dsse, keys, names
from range.bundle import manifest as manifests
from range.bundle import statement as statements
from range.bundle.contents import Contents, Flaw
from range.bundle.dsse import Envelope
from range.bundle.keys import PublicKey
from range.bundle.manifest import Manifest
from range.errors import Exhausted, NotFound


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature: the key's id, what the reader calls its owner ("" for a key nobody named), whether it holds."""

    keyid: str
    name: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """What is true of a bundle or folder. It holds when there is no flaw.

    `files` and `size` (bytes) are what was found, `manifest` is the sha256 of the manifest, which names the whole.
    `decision` is what the result says. `named`: how many keys the reader named; `required`: how many of them must
    have signed; `lacking`: how many of these did not.
    """

    source: str
    files: int
    size: int
    manifest: str
    decision: str
    flaws: tuple[Flaw, ...]
    signatures: tuple[Signed, ...]
    named: int
    required: int
    lacking: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything is as it was sealed, and signed by those who had to."""
        return not self.flaws

    @property
    def whole(self) -> bool:
        """Whether everything is as it was sealed, whoever signed it."""
        return len(self.flaws) == (self.lacking > 0)


def verify(source: Path, named: Sequence[PublicKey] = (), require: int | None = None) -> Verification:
    """Look at everything. `require`: how many of the named keys must have signed; all of them when None.

    Raises NotFound (nothing is there, or a folder that was never sealed), Exhausted (it cannot be read).
    """
    found = look(source)
    given = {key.id: key.name for key in named}
    required = len(given) if require is None else require
    flaws = [*found.flaws]
    envelope = _envelope(found, flaws)
    signatures = tuple(
        Signed(one.keyid, given.get(one.keyid, ""), keys.holds(envelope.payload, one)) for one in envelope.signatures
    )
    for one in signatures:
        if not one.holds:
            flaws.append(Flaw(names.STATEMENT, f"the signature of key {short(one.keyid)} does not hold"))
    genuine = any(one.holds for one in signatures)
    flaws += _files(found, envelope, genuine)
    if not flaws:
        flaws += _said(found, envelope)
    valid = {one.keyid for one in signatures if one.holds}
    lacking = max(0, required - len([keyid for keyid in given if keyid in valid]))
    if lacking:
        flaws.append(_unsigned(given, valid, required))
    text = found.kept.get(names.MANIFEST, b"")
    return Verification(
        source=str(source),
        files=len(found.entries),
        size=sum(entry.size for entry in found.entries.values()),
        manifest=hashlib.sha256(text).hexdigest() if text else "",
        decision=_decision(found),
        flaws=tuple(dict.fromkeys(flaws)),
        signatures=signatures,
        named=len(given),
        required=required,
        lacking=lacking,
    )


def look(source: Path) -> Contents:
    """What is in a bundle or a sealed folder. Raises NotFound, Exhausted."""
    try:
        if source.is_dir():
            if not (source / names.MANIFEST).exists():
                hint = "name a .bundle, or the folder of a run that came to its end"
                raise NotFound(f"{source} holds no {names.MANIFEST}: it was never sealed", hint=hint)
            return contents.of_folder(source)
        with source.open("rb") as file:
            return contents.of_archive(file)
    except FileNotFoundError:
        raise NotFound(f"there is no {source}", hint="name a .bundle, or the folder of a run") from None
    except OSError as error:
        raise Exhausted(f"cannot read {source}: {error.strerror}", hint="check its permissions") from error


def short(keyid: str) -> str:
    """A key id as people compare it: its first 16 digits."""
    return keyid[:16]


def _envelope(found: Contents, flaws: list[Flaw]) -> Envelope:
    text = found.kept.get(names.STATEMENT)
    if text is None:
        if not found.cut:
            flaws.append(Flaw(names.STATEMENT, "missing, or too large to be one"))
        return Envelope(b"")
    try:
        return dsse.parse(text)
    except ValueError as error:
        flaws.append(Flaw(names.STATEMENT, f"changed: {error}"))
        return Envelope(b"")


def _files(found: Contents, envelope: Envelope, genuine: bool) -> Iterator[Flaw]:
    """What is wrong with the files, the manifest or the statement's digest of it. `genuine`: a signature holds."""
    text = found.kept.get(names.MANIFEST)
    if text is None:
        if not found.cut:
            yield Flaw(names.MANIFEST, "missing, or too large to be one")
        return
    here = _actual(found)
    about, sealed = statements.about(envelope.payload), hashlib.sha256(text).hexdigest()
    if here is not None and bytes(here) == text:
        if about != sealed and envelope.payload:
            what = "the statement was made about another manifest"
            yield Flaw(names.MANIFEST if genuine else names.STATEMENT, f"changed: {what}")
        return
    if here is not None and about == hashlib.sha256(bytes(here)).hexdigest():
        yield Flaw(names.MANIFEST, "changed: the files and the statement agree, and it does not")
        return
    try:
        said = manifests.parse(text)
    except ValueError as error:
        yield Flaw(names.MANIFEST, f"changed: {error}")
        return
    blamed = {flaw.entry for flaw in found.flaws}
    there = manifests.manifest_of(entry for entry in found.entries.values() if not manifests.unsafe(entry.path))
    for one in manifests.differences(said, there):
        if one.path not in blamed and (one.path in found.entries or not found.cut):
            yield Flaw(one.path, one.what)
    if about != sealed and envelope.payload:
        yield Flaw(names.MANIFEST, "changed: the statement was made about another manifest")


def _actual(found: Contents) -> Manifest | None:
    """The manifest of what is there; None when not everything could be looked at, or a name is unsafe."""
    try:
        return None if found.cut else manifests.manifest_of(found.entries.values())
    except ValueError:
        return None


def _said(found: Contents, envelope: Envelope) -> Iterator[Flaw]:
    """Whether the statement is the one that follows from the manifest and the result, which are known to be whole."""
    result = found.kept.get(names.RESULT)
    if result is None:
        yield Flaw(names.RESULT, "missing, or too large: the statement cannot be about it")
        return
    try:
        due = statements.statement(manifests.parse(found.kept[names.MANIFEST]), statements.decided(result))
    except ValueError as error:
        yield Flaw(names.RESULT, str(error))
        return
    if envelope.payload != due:
        yield Flaw(names.STATEMENT, "changed: it says something else than the result and the manifest do")


def _unsigned(given: Mapping[str, str], valid: Collection[str], required: int) -> Flaw:
    absent = [f"{name or 'a key'} ({short(keyid)})" for keyid, name in given.items() if keyid not in valid]
    wanted = "the named key" if len(given) == 1 else f"{required} of the {len(given)} named keys"
    signed = len(given) - len(absent)
    return Flaw(names.STATEMENT, f"{wanted} must have signed, {signed} did; not by {', '.join(absent)}")


def _decision(found: Contents) -> str:
    try:
        return statements.decided(found.kept.get(names.RESULT, b"")).decision
    except ValueError:
        return ""
