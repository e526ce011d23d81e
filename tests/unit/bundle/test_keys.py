"""Keys: files nobody overwrites, ids and signatures that securesystemslib accepts, clear words about wrong files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import Key, SSlibKey

from range.bundle.dsse import Envelope, Signature
from range.bundle.keys import PublicKey, holds, load_private, load_public, new, sign
from range.errors import Conflict, Exhausted, NotFound, RangeError, Refused


def theirs(path: Path) -> SSlibKey:
    return SSlibKey.from_crypto(load_pem_public_key(path.read_bytes()))


def test_a_pair_is_made_and_only_its_owner_can_read_the_private_half(tmp_path: Path) -> None:
    made = new("alice", tmp_path / "keys")
    private, public = tmp_path / "keys" / "alice.key", tmp_path / "keys" / "alice.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"BEGIN PRIVATE KEY" in private.read_bytes()
    assert b"PRIVATE" not in public.read_bytes()
    assert load_public(public) == made == load_private(private).public == load_public(private)


@pytest.mark.parametrize("there", ["alice.key", "alice.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Conflict, match=there):
        new("alice", tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "alice.pub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict):
        new("alice", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["", "../alice", "a/b", ".hidden", "a b", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="no name for a key"):
        new(name, tmp_path)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Exhausted, match="cannot write"):
        new("alice", tmp_path / "file" / "keys")


def test_the_key_id_is_the_one_securesystemslib_computes(tmp_path: Path) -> None:
    made = new("alice", tmp_path)
    assert made.id == theirs(tmp_path / "alice.pub").keyid
    assert made.public == theirs(tmp_path / "alice.pub").keyval["public"]


def test_securesystemslib_verifies_two_signers_and_sees_a_change(tmp_path: Path) -> None:
    new("alice", tmp_path)
    new("bob", tmp_path)
    envelope = Envelope(b'{"_type":"x"}')
    for name in ("alice", "bob"):
        envelope = envelope.signed(sign(envelope.payload, load_private(tmp_path / f"{name}.key")))
    keys: list[Key] = [theirs(tmp_path / "alice.pub"), theirs(tmp_path / "bob.pub")]
    read = TheirEnvelope.from_dict(json.loads(bytes(envelope)))
    assert len(read.verify(keys, 2)) == 2
    read.payload = b'{"_type":"y"}'
    with pytest.raises(VerificationError):
        read.verify(keys, 1)


def test_a_signature_holds_for_its_payload_and_key_only(tmp_path: Path) -> None:
    new("alice", tmp_path)
    other = new("bob", tmp_path)
    good = sign(b"payload", load_private(tmp_path / "alice.key"))
    assert holds(b"payload", good)
    assert not holds(b"payloae", good)
    assert not holds(b"payload", Signature(other.id, good.sig, other.public))
    assert not holds(b"payload", Signature(other.id, good.sig, good.public)), "a key under another's id"
    assert not holds(b"payload", Signature(good.keyid, good.sig[:-1], good.public))
    assert not holds(b"payload", Signature(good.keyid, bytes(64), good.public))


def test_a_private_key_is_not_shown(tmp_path: Path) -> None:
    new("alice", tmp_path)
    key = load_private(tmp_path / "alice.key")
    assert "Ed25519" not in repr(key)
    assert "alice" in repr(key)


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    lock = forms.BestAvailableEncryption(password) if password else forms.NoEncryption()
    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock)


def test_files_that_are_no_such_key_are_refused_in_words(tmp_path: Path) -> None:
    new("alice", tmp_path)
    public = (tmp_path / "alice.pub").read_bytes()
    other = ec.generate_private_key(ec.SECP256R1())
    shared = other.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    cases = [
        (load_private, public, "cannot sign"),
        (load_private, b"rubbish", "no private key"),
        (load_private, b"", "no private key"),
        (load_private, pem(other), "another kind"),
        (load_private, pem(ed25519.Ed25519PrivateKey.generate(), b"secret"), "password"),
        (load_public, b"rubbish", "no key"),
        (load_public, shared, "another kind"),
        (load_public, public[:60], "no key"),
    ]
    for load, content, words in cases:
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(Refused, match=words) as caught:
            load(path)
        assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no key file"):
        load_public(tmp_path / "nobody.pub")
    with pytest.raises(RangeError, match="cannot read"):
        load_private(tmp_path)


def test_a_keys_id_does_not_depend_on_what_it_is_called() -> None:
    assert PublicKey("a" * 64, "alice").id == PublicKey("a" * 64, "bob").id
