"""What the commands on sealed results print, write and exit with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from range.bundle import names
from range.bundle.folder import write
from range.bundle.sealing import seal
from range.report.data import to_json
from range.report.outputs import outputs
from tests.builders import a_demo_result
from tests.unit.bundle.runs import a_bundle, a_pair_each, a_run_folder, spoil
from tests.unit.cli.program import Program
from tests.unit.report.test_compared import a_campaign


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, in an empty folder."""
    return Program(tmp_path)


def unwrapped(text: str) -> str:
    """As one line: where a terminal breaks lines depends on how long the paths are."""
    return " ".join(text.split())


def test_verify_says_what_holds_and_what_nobody_vouched_for(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path, "alice", "bob")
    code, out, _ = program("verify", bundle)
    assert code == 0
    assert "all as they were sealed" in out
    assert "whose keys these are, nobody has said" in unwrapped(out)
    code, out, _ = program("verify", bundle, "--key", tmp_path / "alice.pub")
    assert code == 0
    assert "holds, by alice" in out
    assert "holds, by a key that nobody named" in out
    assert "whose keys these are" not in out


def test_verify_says_that_nobody_signed(tmp_path: Path, program: Program) -> None:
    code, out, _ = program("verify", a_bundle(tmp_path))
    assert (code, "nobody has signed it" in out) == (0, True)


def test_verify_names_the_file_that_was_changed(tmp_path: Path, program: Program) -> None:
    bundle = spoil(a_bundle(tmp_path, "alice"))
    code, out, _ = program("verify", bundle)
    assert code == 1
    assert out.startswith("inputs/campaign.yaml: changed")
    assert "does not hold" in out
    code, out, _ = program("verify", bundle, "--json")
    assert code == 1
    assert json.loads(out)["holds"] is False
    assert [flaw["entry"] for flaw in json.loads(out)["flaws"]] == ["inputs/campaign.yaml"]


def test_verify_wants_the_named_keys(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path, "alice")
    a_bundle(tmp_path / "other", "mallory")
    alice, mallory = tmp_path / "alice.pub", tmp_path / "other" / "mallory.pub"
    code, out, _ = program("verify", bundle, "--key", alice, "--key", mallory)
    assert code == 1
    assert "mallory" in out
    assert program("verify", bundle, "--key", alice, "--key", mallory, "--require", "1")[0] == 0


@pytest.mark.parametrize("words", [("--require", "1"), ("--key", "nobody.pub")])
def test_verify_with_bad_input(tmp_path: Path, program: Program, words: tuple[str, ...]) -> None:
    code, _, err = program("verify", a_bundle(tmp_path), *words)
    assert code == 4
    assert err


def test_what_is_no_bundle(tmp_path: Path, program: Program) -> None:
    assert program("verify", tmp_path / "none.bundle")[0] == 4
    assert program("verify", tmp_path)[0] == 4
    (tmp_path / "letter.txt").write_text("Dear partner, " * 100)
    code, out, _ = program("verify", tmp_path / "letter.txt")
    assert (code, "manifest.json" in out) == (1, True)


def test_report_writes_every_output_again(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path)
    code, out, _ = program("report", bundle)
    assert code == 0
    folder = tmp_path / "r-7f3a-report"
    assert {path.name for path in folder.iterdir()} == set(outputs(a_demo_result()))
    assert (folder / names.RESULT).read_bytes() == (tmp_path / "r-7f3a" / names.RESULT).read_bytes()
    assert "report.html" in out
    assert program("report", tmp_path / "r-7f3a", "--out", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "report.html").read_bytes() == (folder / "report.html").read_bytes()


def test_report_breaks_no_seal_and_reads_nothing_broken(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path)
    code, _, err = program("report", bundle, "--out", tmp_path / "r-7f3a")
    assert (code, "sealed run" in err) == (4, True)
    code, _, err = program("report", spoil(bundle))
    assert code == 4
    assert "inputs/campaign.yaml: changed" in err
    assert not (tmp_path / "r-7f3a-report").exists()


def test_rescore_of_the_same_rules_is_equal(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path)
    code, out, _ = program("rescore", bundle)
    assert code == 0
    assert out.startswith("equal: ")
    code, out, _ = program("rescore", tmp_path / "r-7f3a", "--json")
    assert code == 0
    assert json.loads(out)["equal"] is True


def test_rescore_explains_a_score_that_the_evidence_does_not_give(tmp_path: Path, program: Program) -> None:
    run = a_run_folder(tmp_path / "run")
    told = json.loads((run / names.RESULT).read_text())
    true, told["decision"] = told["decision"], "fail" if told["decision"] == "pass" else "pass"
    verdict = told["judged"][-1]["verdicts"][0]
    label, verdict["label"] = verdict["label"], "missed" if verdict["label"] != "missed" else "detected"
    write(run / names.RESULT, json.dumps(told).encode())
    bundle = seal(run, tmp_path / "lie.bundle")
    assert program("verify", bundle)[0] == 0, "its bytes are as they were sealed"
    code, out, _ = program("rescore", bundle)
    assert code == 1
    assert "decision" in out
    assert label in out
    code, out, _ = program("rescore", bundle, "--json")
    changes = json.loads(out)["changes"]
    assert (changes[0]["what"], changes[0]["then"], changes[0]["now"]) == ("decision", told["decision"], true)


def a_sealed_campaign(path: Path, trials: int, *missed: str) -> Path:
    result = a_campaign(trials, *missed, run_id=path.name)
    run = path / "run"
    write(run / names.RESULT, to_json(result).encode())
    return seal(run, path / f"{path.name}.bundle")


def test_a_signature_that_is_missing_is_no_damage(tmp_path: Path, program: Program) -> None:
    bundle = a_bundle(tmp_path, "alice")
    a_pair_each(tmp_path, ("bob",))
    code, out, _ = program("verify", bundle, "--key", tmp_path / "bob.pub")
    assert code == 1
    assert "the named key must have signed, 0 did; not by bob (" in unwrapped(out)
    assert "all files are as they were sealed; have it signed with `jointrange sign`" in unwrapped(out)
    assert "undamaged" not in out
    code, out, _ = program("verify", spoil(bundle), "--key", tmp_path / "bob.pub")
    assert code == 1
    assert "ask those who sealed it for an undamaged copy" in unwrapped(out)


def test_compare_says_which_step_regressed(tmp_path: Path, program: Program) -> None:
    before, after = a_sealed_campaign(tmp_path / "one", 10), a_sealed_campaign(tmp_path / "two", 10, "sqli")
    code, out, _ = program("compare", before, after)
    assert code == 1
    assert "exit 1: regressed: sqli" in out
    assert "10 of 10" in out
    code, out, _ = program("compare", after, before, "--arm", "defended", "--json")
    assert code == 0
    assert json.loads(out)["outcome"] == "pass"


def test_compare_says_when_it_cannot_tell(tmp_path: Path, program: Program) -> None:
    before, after = a_sealed_campaign(tmp_path / "one", 1), a_sealed_campaign(tmp_path / "two", 1, "sqli")
    code, out, _ = program("compare", before, after.parent / "run")
    assert code == 2
    assert "too few conclusive trials to tell: sqli" in out
    assert program("compare", before, after, "--arm", "nobody")[0] == 4
