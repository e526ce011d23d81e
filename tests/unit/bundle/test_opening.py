"""What is read from a sealed run is what was sealed, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.bundle import names
from range.bundle.opening import judged_again, sealed_result
from range.bundle.sealing import seal
from range.errors import Invalid, Refused
from range.report.data import from_json
from tests.unit.bundle.runs import a_bundle, spoil


def test_a_bundle_and_its_folder_give_the_same_result(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    result = from_json((tmp_path / "r-7f3a" / names.RESULT).read_text())
    assert sealed_result(bundle) == sealed_result(tmp_path / "r-7f3a") == result


def test_the_same_evidence_gives_the_same_result(tmp_path: Path) -> None:
    then, now = judged_again(a_bundle(tmp_path))
    assert then == now
    assert then.judged


def test_nothing_is_read_from_what_does_not_hold(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    spoil(bundle)
    for read in (sealed_result, judged_again):
        with pytest.raises(Refused, match=r"inputs/campaign.yaml"):
            read(bundle)


def test_a_result_of_another_format_is_refused_by_name(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    run = tmp_path / "r-7f3a"
    text = (run / names.RESULT).read_text()
    seal(run, bundle)
    assert '"schema": "jointrange.result/2"' in text
    (run / names.RESULT).write_text(text.replace("jointrange.result/2", "jointrange.result/1"))
    with pytest.raises(Invalid, match="schema"):
        seal(run, bundle)
