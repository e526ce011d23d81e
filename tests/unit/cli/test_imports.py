"""`jointrange import` as people meet it. No engine is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from range.cli.imports import selector
from range.errors import Refused
from range.selector import Selector
from tests.architecture.source import ROOT

FOLDER = ROOT / "tests" / "imports"


def jointrange(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "range", "import", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_counts_come_first_and_every_test_has_its_reasons() -> None:
    ended = jointrange(str(FOLDER), "--from", "role=web", "--overlay", str(FOLDER / "atomics" / "overlay.yaml"))
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0] == "3 taken, 5 taken with limits, 9 refused"
    for part in ("power state", "external host", "no pcap", "not for Linux"):
        assert part in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_scenario_is_written_only_when_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "waf.yaml"
    ended = jointrange(str(FOLDER / "ftw" / "942100.yaml"), "--kind", "ftw", "--out", str(out))
    assert (ended.returncode, out.is_file()) == (0, True)
    assert f"wrote {out}" in ended.stdout
    again = jointrange(str(FOLDER / "ftw" / "942100.yaml"), "--out", str(out))
    assert again.returncode == 4
    assert "already there" in again.stderr


def test_the_account_as_json() -> None:
    ended = jointrange(str(FOLDER / "caldera"), "--json", "--from", "role=web")
    account = json.loads(ended.stdout)
    assert (ended.returncode, account["counts"]) == (4, {"taken": 0, "limited": 0, "refused": 3, "unread": 0})
    assert account["written"] == []


@pytest.mark.parametrize(
    "words", [("nowhere.yaml",), (".", "--from", "web"), ("README.md", "--overlay", "nowhere.yaml")]
)
def test_bad_input_is_told_with_a_hint(words: tuple[str, ...]) -> None:
    ended = jointrange(*words)
    assert ended.returncode == 4
    assert "→" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_places_are_roles_or_labels() -> None:
    assert selector("--from", "") is None
    assert selector("--from", "role=web") == Selector(role="web")
    assert selector("--from", "zone=dmz") == Selector(labels={"zone": "dmz"})
    for wrong in ("web", "role=", "role=Not A Name", "=x"):
        with pytest.raises(Refused, match="says no place"):
            selector("--from", wrong)
