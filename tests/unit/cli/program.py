"""The whole program, called within the test's process: its exit code and what it said."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from range.cli import exits
from range.cli.app import app
from range.errors import RangeError


@dataclass(frozen=True)
class Program:
    """`jointrange`, called in a folder."""

    folder: Path

    def __call__(self, *words: object) -> tuple[int, str, str]:
        """Exit code, standard output, and the error in words (with its hint) when there was one."""
        with contextlib.chdir(self.folder):
            ended = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160"})
        error = ended.exception
        if isinstance(error, RangeError):
            return exits.code(error), ended.stdout, f"{error}\n{error.hint}"
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return ended.exit_code, ended.stdout, ended.stderr
