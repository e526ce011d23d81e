"""Keys and signatures by command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from range.bundle.keys import load_public
from tests.unit.bundle.runs import a_bundle, spoil
from tests.unit.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, in an empty folder."""
    return Program(tmp_path)


def test_a_pair_is_made_and_shown(tmp_path: Path, program: Program) -> None:
    code, out, _ = program("keys", "new", "alice", "--out", tmp_path / "keys")
    assert code == 0
    made = load_public(tmp_path / "keys" / "alice.pub")
    assert made.id in out
    assert program("keys", "show", tmp_path / "keys" / "alice.pub")[1] == f"alice: ed25519, key id {made.id}\n"
    shown = json.loads(program("keys", "show", tmp_path / "keys" / "alice.key", "--json")[1])
    assert shown == {"name": "alice", "keyid": made.id, "public": made.public}
    code, _, err = program("keys", "new", "alice", "--out", tmp_path / "keys")
    assert (code, "never overwritten" in err) == (4, True)


def test_both_partners_sign(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path)
    for name in ("alice", "bob"):
        program("keys", "new", name)
        code, out, _ = program("sign", bundle, "--key", f"{name}.key")
        assert (code, out.endswith("signed\n")) == (0, True)
    code, out, _ = program("sign", bundle, "--key", "alice.key")
    assert (code, "nothing was changed" in out) == (0, True)
    assert program("verify", bundle, "--key", "alice.pub", "--key", "bob.pub", "--require", "2")[0] == 0


def test_nothing_broken_is_signed_and_a_public_key_does_not_sign(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path, "alice")
    code, _, err = program("sign", bundle, "--key", "alice.pub")
    assert (code, "cannot sign" in err, ".key" in err) == (4, True, True)
    code, _, err = program("sign", spoil(bundle), "--key", "alice.key")
    assert (code, "inputs/campaign.yaml" in err) == (4, True)
