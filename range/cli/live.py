"""A campaign while it runs: one line a trial, redrawn as events come.

Knows: rich. Must never: hold evidence; what is shown here is gone afterwards.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rich.live import Live
from rich.table import Table
from rich.text import Text

from range.cli.console import err
from range.events import ActionEnded, AlertSeen, Event, ImageProgress, NodeChanged, Note, PhaseChanged, StepStarted


@dataclass
class _Line:
    """What is known of one range."""

    phase: str = ""
    detail: str = ""
    step: str = ""
    alerts: int = 0
    benign: int = 0
    nodes: int = 0
    since: float = 0.0


class RunView:
    """A sink. On a terminal a live table, elsewhere one line for each thing that matters."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.lines: dict[str, _Line] = {}
        self.note = ""
        self.lock = threading.Lock()
        self.live = Live(console=err, refresh_per_second=8, transient=True, get_renderable=self._table)
        self.moving = err.is_terminal and not quiet

    def __enter__(self) -> RunView:
        if self.moving:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.moving:
            self.live.stop()

    def __call__(self, event: Event) -> None:
        with self.lock:
            text = self._take(event)
        if text and not self.moving and not self.quiet:
            err.print(Text(text, style="dim"))

    def _take(self, event: Event) -> str:
        """Note the event; the line to print where nothing can be redrawn."""
        if isinstance(event, ImageProgress | Note):
            self.note = event.detail if isinstance(event, ImageProgress) else event.text
            return self.note
        if isinstance(event, StepStarted | AlertSeen | ActionEnded | NodeChanged | PhaseChanged):
            line = self.lines.setdefault(event.range_id, _Line(since=time.monotonic()))
            return self._on(event, line)
        return ""

    def _on(self, event: StepStarted | AlertSeen | ActionEnded | NodeChanged | PhaseChanged, line: _Line) -> str:
        match event:
            case PhaseChanged(range_id=name, phase=phase, detail=detail):
                line.phase, line.detail, line.step = phase, detail, ""
                return f"{name}: {phase}" + (f" ({detail})" if detail else "")
            case StepStarted(range_id=name, step=step, number=number, total=total):
                line.step = f"{number}/{total} {step}"
                return f"{name}: step {line.step}"
            case AlertSeen():
                line.alerts += 1
            case ActionEnded(action=action) if action.kind == "benign":
                line.benign += 1
            case NodeChanged(what=what):
                line.nodes += (what == "created") - (what == "removed")
            case _:
                pass
        return ""

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self.lock:
            for name, line in self.lines.items():
                where = line.step or line.detail
                count = f"{line.nodes} nodes, {line.alerts} alerts" if line.nodes or line.alerts else ""
                spent = f"{time.monotonic() - line.since:.0f} s"
                table.add_row(Text(name, style="bold"), Text(line.phase, style="cyan"), where, count, spent)
            table.add_row(Text(self.note[:100], style="dim"))
        return table
