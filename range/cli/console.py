"""What the terminal shows: errors on one screen, listings as tables or JSON, progress as it comes.

Knows: rich. Must never: decide anything.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from range import errors
from range.cli.show import count
from range.events import Event, ImageProgress, NodeChanged, Note, PhaseChanged

out = Console(markup=False, emoji=False)
err = Console(stderr=True, markup=False, emoji=False)
"""Paths and names are shown as they are: `[a]` is no markup, `:x:` no emoji."""

LOG_LINES = 12


def show_error(error: errors.RangeError) -> None:
    """What happened, the last log lines where there are some, and what to do. One screen."""
    if isinstance(error, errors.Invalid):
        for problem in error.problems:
            err.print(Text.assemble((str(problem.where), "bold"), ": ", problem.what))
            if problem.hint:
                err.print(Text(f"    hint: {problem.hint}", style="cyan"))
        err.print(Text(count(len(error.problems), "problem"), style="red"))
        return
    err.print(Text.assemble(("error: ", "bold red"), str(error)))
    log = getattr(error, "log", "")
    if log:
        err.print(Text("its last log lines:", style="dim"))
        for line in log.strip().splitlines()[-LOG_LINES:]:
            err.print(Text("  | " + line[:200], style="dim"))
    if error.hint:
        err.print(Text.assemble(("  → ", "cyan"), error.hint))


def note(line: str) -> None:
    """How far a measurement is, on standard error."""
    err.print(Text(line, style="dim"))


def plain(value: Any) -> Any:
    """Dataclasses and models as plain data for JSON."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, PurePath):
        return str(value)
    return value


def show_json(value: Any) -> None:
    """Plain JSON on standard output, nothing else."""
    sys.stdout.write(json.dumps(plain(value), indent=2) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A small table; a line when it is empty."""
    if not rows:
        out.print(f"no {title}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


class Progress:
    """A sink that tells what happens in one status line, and keeps what people should read."""

    def __init__(self, quiet: bool = False) -> None:
        self.status = None if quiet or not err.is_terminal else err.status("...")
        self.quiet = quiet
        self.phase = ""
        self.ready = 0

    def __enter__(self) -> Progress:
        if self.status:
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.status:
            self.status.stop()

    def __call__(self, event: Event) -> None:
        text = self._text(event)
        if not text or self.quiet:
            return
        if self.status:
            self.status.update(Text(text[:160]))
        elif isinstance(event, PhaseChanged | ImageProgress | Note):
            err.print(Text(text, style="dim"))

    def _text(self, event: Event) -> str:
        if isinstance(event, PhaseChanged):
            self.phase = f"{event.range_id}: {event.phase}"
            return self.phase + (f" ({event.detail})" if event.detail else "")
        if isinstance(event, NodeChanged):
            self.ready += event.what == "ready"
            return f"{self.phase}: {event.node} {event.what}"
        if isinstance(event, ImageProgress):
            return event.detail
        return event.text if isinstance(event, Note) else ""


@contextmanager
def last_words() -> Iterator[None]:
    """An interruption that has something to say is let say it, once no live view is in its way."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        if interrupted.args:
            err.print(str(interrupted), soft_wrap=True)
        raise


@contextmanager
def ending_after(seconds: float | None, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` after so long, unless the block is over before."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
