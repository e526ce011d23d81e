"""Seal a run's folder, and sign what is sealed.

Knows: the order: metadata, manifest, signatures, bundle, and last the statement in the folder, so that a folder with a
statement has its bundle, however the process ends. Must never: sign what does not hold, lose a
signature that is there, or say that a bundle is written before it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from range.bundle import contents, dsse, folder, keys, names, ustar
from range.bundle import manifest as manifests
from range.bundle import statement as statements
from range.bundle.crate import crate
from range.bundle.dsse import Envelope
from range.bundle.keys import PrivateKey
from range.bundle.manifest import Manifest
from range.bundle.pack import pack, writing
from range.bundle.ustar import Header
from range.bundle.verify import Verification, verify
from range.errors import Exhausted, NotFound, Refused
from range.report.data import from_json

SHOWN = 10
"""How many flaws an error names; it stays on one screen."""


def seal(run: Path, bundle: Path, signers: Sequence[PrivateKey] = ()) -> Path:
    """Seal the folder of a finished run, sign it with each key, and write the bundle; the bundle's path.

    Doing it again to the same files gives the same bytes; signatures that are there stay. Raises NotFound (there is
    no result.json), Invalid (it is not as we write it), Refused (a link in the folder, a name that does not fit),
    Exhausted.
    """
    if bundle.absolute().is_relative_to(run.absolute()):
        raise Refused(f"{bundle} lies in the folder it is made of", hint="put the bundle beside the folder")
    text = _result(run)
    result = from_json(text.decode("utf-8", "replace"), str(run / names.RESULT))
    sizes = [(path, (run / path).stat().st_size) for path, is_file in contents.files(run) if is_file]
    outside = (*manifests.OUTSIDE, names.CRATE)
    folder.write(run / names.CRATE, crate(result, [(path, size) for path, size in sizes if path not in outside]))
    manifest = _manifest(run)
    envelope = Envelope(statements.statement(manifest, statements.decided(text)))
    for signature in _earlier(run, envelope.payload):
        envelope = envelope.signed(signature)
    for key in signers:
        envelope = envelope.signed(keys.sign(envelope.payload, key))
    folder.write(run / names.MANIFEST, bytes(manifest))
    pack(run, bundle, bytes(envelope))
    folder.write(run / names.STATEMENT, bytes(envelope))
    return bundle


def add_signature(source: Path, key: PrivateKey) -> bool:
    """Add a signature to a bundle or a sealed folder, in its place; False when this key has signed it already.

    Raises Refused when it does not hold, naming what was changed; NotFound, Exhausted.
    """
    refuse_broken(verify(source), "nothing is signed")
    at = source / names.STATEMENT
    envelope = dsse.parse(at.read_bytes() if source.is_dir() else _statement(source))
    after = envelope.signed(keys.sign(envelope.payload, key))
    if after == envelope:
        return False
    if source.is_dir():
        folder.write(at, bytes(after))
    else:
        _replace_statement(source, bytes(after))
    return True


def refuse_broken(found: Verification, so: str) -> None:
    """Raises Refused when it does not hold, naming the files, and what is not done because of it."""
    if found.holds:
        return
    told = [f"  {flaw.entry}: {flaw.what}" for flaw in found.flaws[:SHOWN]]
    more = len(found.flaws) - len(told)
    lines = [f"{found.source} does not hold, so {so}:", *told, *([f"  and {more} more"] if more > 0 else [])]
    raise Refused("\n".join(lines), hint="ask for an undamaged copy; `jointrange verify` looks at every byte")


def _result(run: Path) -> bytes:
    path = run / names.RESULT
    try:
        if path.stat().st_size > contents.KEPT[names.RESULT]:
            raise Refused(f"{path} is too large to be sealed", hint="run fewer trials, or fewer alerts, at once")
        return path.read_bytes()
    except FileNotFoundError:
        hint = "only the folder of a run that came to its end can be sealed"
        raise NotFound(f"{run} holds no {names.RESULT}", hint=hint) from None
    except OSError as error:
        raise Exhausted(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error


def _manifest(run: Path) -> Manifest:
    """The manifest of what is in the folder now. Raises Refused, Exhausted."""
    try:
        found = contents.of_folder(run)
    except OSError as error:
        raise Exhausted(f"cannot read {run}: {error.strerror}", hint="check its permissions") from error
    flaws = [flaw for flaw in found.flaws if flaw.entry not in manifests.OUTSIDE]
    if flaws:
        told = "; ".join(f"{flaw.entry}: {flaw.what}" for flaw in flaws[:SHOWN])
        raise Refused(f"{run} cannot be sealed: {told}", hint="take it out of the folder, or put a copy in its place")
    try:
        manifest = manifests.manifest_of(found.entries.values())
        for entry in manifest.entries:
            ustar.render(Header(entry.path, entry.size))
    except ValueError as error:
        raise Refused(f"{run} cannot be sealed: {error}", hint="give what it was made from a shorter name") from None
    return manifest


def _earlier(run: Path, payload: bytes) -> Sequence[dsse.Signature]:
    """The signatures that are in the folder already and are of this very statement."""
    try:
        before = dsse.parse((run / names.STATEMENT).read_bytes())
    except (FileNotFoundError, ValueError):
        return ()
    return [one for one in before.signatures if before.payload == payload and keys.holds(payload, one)]


def _statement(bundle: Path) -> bytes:
    with bundle.open("rb") as file:
        first = ustar.parse(file.read(ustar.BLOCK))
        file.seek(ustar.length(first))
        return file.read(ustar.parse(file.read(ustar.BLOCK)).size)


def _replace_statement(bundle: Path, content: bytes) -> None:
    """The same bundle with another statement: everything before and behind it as it was."""
    with bundle.open("rb") as source, writing(bundle) as target:
        ahead = ustar.length(ustar.parse(source.read(ustar.BLOCK)))
        source.seek(0)
        target.write(source.read(ahead))
        old = ustar.parse(source.read(ustar.BLOCK))
        source.seek(old.size + ustar.padding(old.size), os.SEEK_CUR)
        target.write(ustar.render(Header(names.STATEMENT, len(content))))
        target.write(content + b"\0" * ustar.padding(len(content)))
        shutil.copyfileobj(source, target, 1 << 20)
