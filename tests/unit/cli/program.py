"""The whole program, called within the test's process: its exit code and what it said."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from range import exits
from range.cli.app import app
from range.errors import RangeError


@dataclass(frozen=True)
class Program:
    """`jointrange`, called in a folder, with these variables besides those of the tests."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: object) -> tuple[int, str, str]:
        """Exit code, standard output, and the error in words (with its hint) when there was one."""
        with contextlib.chdir(self.folder):
            ended = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160", **self.environment})
        error = ended.exception
        if isinstance(error, RangeError):
            return exits.code(error), ended.stdout, f"{error}\n{error.hint}"
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return ended.exit_code, ended.stdout, ended.stderr
