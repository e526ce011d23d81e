"""Commands on images: what they are called with. What they do is tried with an engine (tests/e2e/test_cli.py)."""

from __future__ import annotations

from typer.testing import CliRunner

from range.cli.images import app


def test_both_commands_explain_themselves() -> None:
    for command in ("build", "ls"):
        shown = CliRunner().invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.stdout
