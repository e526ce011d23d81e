"""Keys: ed25519 pairs in PEM files, their ids, and the signatures made with them.

Knows: PKCS#8 and SubjectPublicKeyInfo files, and the key id that securesystemslib and in-toto compute.
Must never: overwrite a key, write a private one that others can read, or show one in an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from range.bundle.dsse import Signature, pae
from range.errors import Conflict, Exhausted, NotFound, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_FILE = 64 * 1024
NEW = "make one with `jointrange keys new NAME`"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Somebody's public key: 32 bytes in hex, and what the reader calls its owner (the file's name)."""

    public: str
    name: str = ""

    @property
    def id(self) -> str:
        """The key id."""
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs."""

    key: Ed25519PrivateKey = field(repr=False)
    name: str = ""

    @property
    def public(self) -> PublicKey:
        """The half that may be given away."""
        return PublicKey(self.key.public_key().public_bytes_raw().hex(), self.name)


def key_id(public: str) -> str:
    """The id of a public key (hex): sha256 of the canonical JSON of its type, scheme and value, in hex.

    As securesystemslib computes it, so that its users find our signatures by their own ids.
    """
    said = {"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def new(name: str, folder: Path) -> PublicKey:
    """Make a pair: NAME.key, which only its owner can read, and NAME.pub. Raises Conflict when either is there."""
    from cryptography.hazmat.primitives import serialization as forms  # takes 0.1 s, and most commands sign nothing
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not re.fullmatch(r"[\w-][\w.@-]{0,63}", name):
        raise Refused(
            f"`{name}` is no name for a key", hint="use letters, digits, dots and dashes; --out names a folder"
        )
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    for path in (private, public):
        if path.is_symlink() or path.exists():
            raise Conflict(f"{path} is there already", hint="keys are never overwritten: choose another name, or --out")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    shared = key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    _create(private, secret, 0o600)
    _create(public, shared, 0o644)
    return PrivateKey(key, name).public


def load_private(path: Path) -> PrivateKey:
    """The private key in a file. Raises NotFound, Refused when it holds no ed25519 private key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise Refused(f"{path} is locked with a password", hint="Jointrange reads keys without one; " + NEW) from None
    except (ValueError, UnsupportedAlgorithm):
        is_public = b"PUBLIC KEY" in content
        what = "holds a public key, which cannot sign" if is_public else "holds no private key"
        hint = "name the .key file that lies beside it" if is_public else NEW
        raise Refused(f"{path} {what}", hint=hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{path} holds another kind of key than ed25519", hint=NEW)
    return PrivateKey(key, path.stem)


def load_public(path: Path) -> PublicKey:
    """The public key in a file, or the public half of a private one. Raises NotFound, Refused."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _read(path)
    if b"PRIVATE KEY" in content:
        return load_private(path).public
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(f"{path} holds no key", hint="name a .pub file, as `jointrange keys new` writes it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused(f"{path} holds another kind of key than ed25519", hint="ask for the signer's ed25519 key")
    return PublicKey(key.public_bytes_raw().hex(), path.stem)


def sign(payload: bytes, key: PrivateKey) -> Signature:
    """The signature of a payload by a key."""
    public = key.public
    return Signature(public.id, key.key.sign(pae(payload)), public.public)


def holds(payload: bytes, signature: Signature) -> bool:
    """Whether a signature is of this payload, and by the key whose id it names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if key_id(signature.public) != signature.keyid:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.public))
        key.verify(signature.sig, pae(payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE)
    except FileNotFoundError:
        raise NotFound(f"there is no key file {path}", hint=NEW) from None
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}", hint="name a key file that you may read") from error


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with open(handle, "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
    except FileExistsError:
        raise Conflict(f"{path} is there already", hint="keys are never overwritten: choose another name") from None
    except OSError as error:
        raise Exhausted(f"cannot write {path}: {error.strerror}", hint="choose another --out") from error
