"""A prototype's own test suite asks for a campaign: through the pytest plugin, against a real range."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from range.bundle.verify import verify
from tests.architecture.source import ROOT
from tests.e2e.campaign import a_campaign
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]

SUITE = """
def test_the_prototype(campaign):
    proof = campaign("CAMPAIGN", benign_window="1s", fresh=True)
    assert proof.decision == "insufficient"
    assert proof.passed, proof
"""


def test_a_suite_asks_for_a_campaign_and_is_told_what_fell_short(terminal: Terminal, tmp_path: Path) -> None:
    wanted = a_campaign(terminal, "echo never")
    suite = terminal.folder / "test_suite.py"
    suite.write_text(SUITE.replace("CAMPAIGN", str(terminal.folder / wanted)))
    kept = tmp_path / "kept"
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir",
         str(terminal.folder), "--jointrange-results", str(kept), str(suite)],
        cwd=ROOT, env=terminal.environment, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "insufficient" in ended.stdout, ended.stdout
    assert "defended" in ended.stdout, "the failure names the arm whose gate did not pass"
    [bundle] = kept.glob("*.bundle")
    assert verify(bundle).holds
