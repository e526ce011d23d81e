"""One wrong byte anywhere is found, and belongs to the file that is named; so do all the other attacks we know."""

from __future__ import annotations

import json
import random
import shutil
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import pytest

from range.bundle import names
from range.bundle.dsse import parse
from range.bundle.folder import write
from range.bundle.keys import load_private, load_public, sign
from range.bundle.manifest import manifest_of
from range.bundle.pack import pack
from range.bundle.sealing import seal
from range.bundle.statement import decided, statement
from range.bundle.verify import look, verify
from range.errors import NotFound
from tests.unit.bundle.runs import a_bundle, a_pair_each, owners

FLIPS = 400


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its bundle signed by alice and bob, their keys, and mallory's."""
    place = tmp_path_factory.mktemp("sealed")
    a_bundle(place, "alice", "bob")
    a_pair_each(place, ("mallory",))
    return place


@pytest.fixture
def run(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder, to spoil."""
    return Path(shutil.copytree(sealed / "r-7f3a", tmp_path / "run"))


def told(source: Path) -> set[str]:
    return {flaw.entry for flaw in verify(source).flaws}


def positions(marks: list[tuple[int, str]], size: int) -> list[int]:
    """Bytes to spoil: some of every entry's header, content and padding, and many anywhere."""
    chance = random.Random(20261123)
    near = [start + step for start, _ in marks for step in (0, 99, 124, 130, 148, 156, 257, 300, 511, 512, 513)]
    return [at for at in near if at < size] + [chance.randrange(size) for _ in range(FLIPS)]


@pytest.mark.parametrize("signers", [("alice", "bob"), ()])
def test_one_flipped_bit_anywhere_is_found_and_its_file_named(tmp_path: Path, signers: tuple[str, ...]) -> None:
    bundle = a_bundle(tmp_path, *signers)
    content, marks = bundle.read_bytes(), owners(bundle)
    starts = [start for start, _ in marks]
    spoilt = tmp_path / "spoilt.bundle"
    chance, seen = random.Random(7), set()
    for at in positions(marks, len(content)):
        bad = bytearray(content)
        bad[at] ^= 1 << chance.randrange(8)
        spoilt.write_bytes(bad)
        owner = marks[bisect_right(starts, at) - 1][1]
        assert told(spoilt) == {owner}, f"byte {at} of {owner}"
        seen.add(owner)
    assert seen == {name for _, name in marks}, "every file had its turn"


def test_every_byte_of_the_statement_counts(tmp_path: Path) -> None:
    """Without a signature too: what it says follows from the manifest and the result."""
    bundle = a_bundle(tmp_path)
    content, marks = bundle.read_bytes(), owners(bundle)
    first, last = marks[1][0], marks[2][0]
    chance = random.Random(8)
    for at in range(first, last, 5):
        bad = bytearray(content)
        bad[at] ^= 1 << chance.randrange(8)
        bundle.write_bytes(bad)
        assert told(bundle) == {names.STATEMENT}, at


def test_a_bundle_that_was_cut_off_anywhere_is_found(sealed: Path, tmp_path: Path) -> None:
    content = (sealed / "r-7f3a.bundle").read_bytes()
    chance = random.Random(9)
    for size in [0, 1, 511, 512, 513, len(content) - 1, len(content) - 512, len(content) - 1024,
                 *(chance.randrange(len(content)) for _ in range(60))]:  # fmt: skip
        (tmp_path / "x.bundle").write_bytes(content[:size])
        assert told(tmp_path / "x.bundle"), size


def test_whatever_is_cut_out_doubled_moved_or_overwritten_is_found(sealed: Path, tmp_path: Path) -> None:
    content, chance, tried = (sealed / "r-7f3a.bundle").read_bytes(), random.Random(10), 0
    for turn in range(200):
        step = 512 if turn % 2 else 1
        one, two, three = sorted(chance.randrange(len(content) // step) * step for _ in range(3))
        bad = [
            content[:one] + content[two:],
            content[:two] + content[one:],
            content[:one] + content[two:three] + content[one:two] + content[three:],
            content[:one] + bytes(two - one) + content[two:],
        ][turn % 4]
        if bad != content:
            (tmp_path / "x.bundle").write_bytes(bad)
            assert told(tmp_path / "x.bundle"), (turn, one, two, three)
            tried += 1
    assert tried > 150


@pytest.mark.parametrize("more", [b"\0", b"x", bytes(512), bytes(9216)])
def test_bytes_behind_the_end_are_found(sealed: Path, tmp_path: Path, more: bytes) -> None:
    (tmp_path / "x.bundle").write_bytes((sealed / "r-7f3a.bundle").read_bytes() + more)
    assert told(tmp_path / "x.bundle") == {"the end of the archive"}


def test_a_whole_folder_holds_as_its_bundle_does(sealed: Path) -> None:
    folder, bundle = verify(sealed / "r-7f3a"), verify(sealed / "r-7f3a.bundle")
    assert folder.holds
    assert bundle.holds
    assert (folder.manifest, folder.files, folder.size) == (bundle.manifest, bundle.files, bundle.size)
    assert bundle.decision == json.loads((sealed / "r-7f3a" / names.RESULT).read_text())["decision"]


def spoil(name: str, act: Callable[[Path], object]) -> tuple[str, Callable[[Path], object]]:
    return name, act


@pytest.mark.parametrize(
    ("name", "act"),
    [
        spoil("run.json", lambda path: path.write_bytes(path.read_bytes() + b" ")),
        spoil("result.json", lambda path: path.write_bytes(path.read_bytes().replace(b'"decision"', b'"Decision"'))),
        spoil("trials/defended-1/captures/dmz.pcap.gz", lambda path: path.unlink()),
        spoil("trials/defended-1/logs/more.log", lambda path: path.write_text("extra")),
        spoil("link", lambda path: path.symlink_to("run.json")),
        spoil("manifest.json", lambda path: path.write_bytes(path.read_bytes().replace(b'"size":11', b'"size":12'))),
        spoil("manifest.json", lambda path: path.write_text("rubbish")),
        spoil("statement.dsse.json", lambda path: path.unlink()),
        spoil("statement.dsse.json", lambda path: path.write_text("rubbish")),
    ],
)
def test_a_folder_that_was_changed(run: Path, name: str, act: Callable[[Path], object]) -> None:
    act(run / name)
    assert told(run) == {name}


def test_somebody_who_changes_a_file_and_the_manifest_cannot_change_the_signature(run: Path) -> None:
    campaign = run / "inputs" / "campaign.yaml"
    campaign.write_text("name: evil\n")
    manifest = manifest_of(look(run).entries.values())
    write(run / names.MANIFEST, bytes(manifest))
    assert told(run) == {names.MANIFEST}
    seal(run, run.parent / "again.bundle")
    assert verify(run).holds, "sealed again, it holds as what it now is"
    assert verify(run).signatures == (), "but the partners' signatures are gone"


def test_a_statement_kinder_than_the_result_is_found_even_when_signed(sealed: Path, run: Path) -> None:
    result = (run / names.RESULT).read_bytes()
    kinder = decided(result).model_copy(update={"decision": "pass", "gate_results": ()})
    payload = statement(manifest_of(look(run).entries.values()), kinder)
    envelope = parse((run / names.STATEMENT).read_bytes())
    lie = type(envelope)(payload).signed(sign(payload, load_private(sealed / "alice.key")))
    write(run / names.STATEMENT, bytes(lie))
    assert told(run) == {names.STATEMENT}
    pack(run, run.parent / "x.bundle")
    assert told(run.parent / "x.bundle") == {names.STATEMENT}


def test_named_signers_must_have_signed(sealed: Path) -> None:
    bundle = sealed / "r-7f3a.bundle"
    alice, bob, mallory = (load_public(sealed / f"{name}.pub") for name in ("alice", "bob", "mallory"))
    assert verify(bundle, [alice]).holds
    assert verify(bundle, [alice, bob]).holds
    assert verify(bundle, [alice, mallory], 1).holds
    found = verify(bundle, [alice, mallory])
    assert {flaw.entry for flaw in found.flaws} == {names.STATEMENT}
    assert "mallory" in found.flaws[0].what
    assert not verify(bundle, [alice, alice, mallory], 2).holds, "one key twice is one key"
    assert {one.name for one in verify(bundle, [alice]).signatures} == {"alice", ""}


def test_a_signature_that_was_taken_out_is_missed_by_who_asks_for_it(sealed: Path, run: Path) -> None:
    envelope = parse((run / names.STATEMENT).read_bytes())
    alice = load_public(sealed / "alice.pub")
    left = tuple(one for one in envelope.signatures if one.keyid != alice.id)
    write(run / names.STATEMENT, bytes(type(envelope)(envelope.payload, left)))
    assert verify(run).holds, "an unsigned run is a sound one"
    assert not verify(run, [alice]).holds
    assert verify(run, [load_public(sealed / "bob.pub")]).holds


def test_a_signature_under_anothers_key_id_does_not_hold(sealed: Path, run: Path) -> None:
    envelope = parse((run / names.STATEMENT).read_bytes())
    alice = load_public(sealed / "alice.pub")
    forged = sign(envelope.payload, load_private(sealed / "mallory.key"))
    for signature in (
        type(forged)(alice.id, forged.sig, alice.public),
        type(forged)(alice.id, forged.sig, forged.public),
    ):
        write(run / names.STATEMENT, bytes(type(envelope)(envelope.payload, (signature,))))
        found = verify(run, [alice])
        assert not found.holds
        assert [one.holds for one in found.signatures] == [False]


def test_what_is_not_there_or_was_never_sealed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no"):
        verify(tmp_path / "nothing.bundle")
    with pytest.raises(NotFound, match="never sealed"):
        verify(tmp_path)


def test_who_did_not_sign_is_told_apart_from_what_was_changed(sealed: Path, run: Path) -> None:
    mallory = [load_public(sealed / "mallory.pub")]
    found = verify(run, mallory)
    assert (found.holds, found.whole, found.lacking) == (False, True, 1)
    both = verify(run, [*mallory, load_public(sealed / "alice.pub")], 1)
    assert (both.holds, both.whole, both.lacking) == (True, True, 0)
    (run / names.RESULT).write_bytes(b"{}")
    found = verify(run, mallory)
    assert (found.holds, found.whole, found.lacking) == (False, False, 1)


def test_a_file_of_another_kind_is_told_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no bundle\n" * 100)
    [flaw] = verify(tmp_path / "notes.txt").flaws
    assert flaw.what.startswith("this is no bundle, or its very beginning is damaged")
