"""Sealing: everything listed, the same bytes each time, signatures kept; nothing broken is ever signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from range.bundle import names
from range.bundle.keys import load_private, load_public
from range.bundle.pack import sealed_manifest
from range.bundle.sealing import add_signature, seal
from range.bundle.verify import verify
from range.errors import Invalid, NotFound, Refused
from tests.unit.bundle.runs import a_bundle, a_pair_each, a_run_folder, spoil


def test_a_sealed_folder_and_its_bundle_hold_and_list_every_file(tmp_path: Path) -> None:
    run = a_run_folder(tmp_path / "r-7f3a")
    before = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    bundle = seal(run, tmp_path / "out" / "r-7f3a.bundle")
    assert verify(bundle).flaws == verify(run).flaws == ()
    assert {entry.path for entry in sealed_manifest(run).entries} == before | {names.CRATE}
    assert verify(bundle).files == len(before) + 3


def test_sealing_twice_gives_the_same_bytes_and_keeps_signatures(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path, "alice")
    content = bundle.read_bytes()
    seal(tmp_path / "r-7f3a", bundle)
    assert bundle.read_bytes() == content


def test_a_changed_folder_sealed_again_drops_signatures_of_the_old_one(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path, "alice")
    (tmp_path / "r-7f3a" / "inputs" / "campaign.yaml").write_text("name: other\n")
    seal(tmp_path / "r-7f3a", bundle)
    assert verify(bundle).signatures == ()
    assert verify(bundle).holds


def test_two_runs_of_the_same_folder_give_the_same_bundle(tmp_path: Path) -> None:
    assert a_bundle(tmp_path / "a").read_bytes() == a_bundle(tmp_path / "b").read_bytes()


def test_what_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no"):
        seal(tmp_path / "nothing", tmp_path / "x.bundle")
    run = a_run_folder(tmp_path / "run")
    with pytest.raises(Refused, match="lies in the folder"):
        seal(run, run / "x.bundle")
    (run / "link").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="link: it is a link"):
        seal(run, tmp_path / "x.bundle")
    (run / "link").unlink()
    (run / ("n" * 101)).write_text("")
    with pytest.raises(Refused, match="too long"):
        seal(run, tmp_path / "x.bundle")
    (run / ("n" * 101)).unlink()
    (run / names.RESULT).write_text("{}")
    with pytest.raises(Invalid):
        seal(run, tmp_path / "x.bundle")
    assert not (tmp_path / "x.bundle").exists()
    assert not (run / names.MANIFEST).exists()


def test_partners_sign_one_after_the_other(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    a_pair_each(tmp_path, ("alice", "bob"))
    assert add_signature(bundle, load_private(tmp_path / "alice.key"))
    assert add_signature(bundle, load_private(tmp_path / "bob.key"))
    content = bundle.read_bytes()
    assert not add_signature(bundle, load_private(tmp_path / "alice.key"))
    assert bundle.read_bytes() == content
    found = verify(bundle, [load_public(tmp_path / "alice.pub"), load_public(tmp_path / "bob.pub")])
    assert found.holds
    assert {one.name for one in found.signatures} == {"alice", "bob"}
    assert (tmp_path / "r-7f3a" / names.STATEMENT).read_bytes() not in content, "the folder was not signed"


def test_the_order_of_signing_is_no_matter(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    keys = a_pair_each(tmp_path, ("alice", "bob"))
    other = tmp_path / "other.bundle"
    other.write_bytes(bundle.read_bytes())
    for key in keys:
        add_signature(bundle, key)
    for key in reversed(keys):
        add_signature(other, key)
    assert bundle.read_bytes() == other.read_bytes()


def test_a_folder_can_be_signed_too(tmp_path: Path) -> None:
    a_bundle(tmp_path)
    (key,) = a_pair_each(tmp_path, ("alice",))
    run = tmp_path / "r-7f3a"
    assert add_signature(run, key)
    assert not add_signature(run, key)
    assert [one.holds for one in verify(run).signatures] == [True]


def test_what_does_not_hold_is_not_signed(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (key,) = a_pair_each(tmp_path, ("alice",))
    content = spoil(bundle).read_bytes()
    with pytest.raises(Refused, match=r"inputs/campaign.yaml: changed") as caught:
        add_signature(bundle, key)
    assert "nothing is signed" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 15
    assert bundle.read_bytes() == content


def test_securesystemslib_accepts_the_bundle_of_two_partners(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer._key import Key, SSlibKey

    a_bundle(tmp_path, "alice", "bob")
    envelope = Envelope.from_dict(json.loads((tmp_path / "r-7f3a" / names.STATEMENT).read_bytes()))
    keys: list[Key] = [
        SSlibKey.from_crypto(load_pem_public_key((tmp_path / f"{name}.pub").read_bytes())) for name in ("alice", "bob")
    ]
    assert len(envelope.verify(keys, 2)) == 2
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert json.loads(envelope.payload)["subject"][0]["name"] == names.MANIFEST
