"""A campaign while it runs: one line a trial, redrawn as events come.

Knows: rich. Must never: hold evidence; what is shown here is gone afterwards.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from range.cli.console import err
from range.cli.show import count
from range.events import (
    ActionEnded,
    AlertSeen,
    Event,
    ImageProgress,
    NodeChanged,
    Note,
    PhaseChanged,
    RunStarted,
    StepStarted,
    TrialEnded,
)


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
    entered: float = 0.0


class RunView:
    """A sink. On a terminal a live table, elsewhere one line for each thing that matters."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.lines: dict[str, _Line] = {}
        self.note = ""
        self.run: RunStarted | None = None
        self.done = self.reruns = 0
        self.lock = threading.Lock()
        self.live = Live(console=err, refresh_per_second=8, transient=True, get_renderable=self._shown)
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
        match event:
            case ImageProgress(detail=text) | Note(text=text):
                self.note = text
                return text
            case RunStarted():
                self.run, self.done = event, event.done
                self.lines.clear()  # what was made ready before is no trial
                return self.heading()
            case TrialEnded(range_id=name, rerun=rerun):
                self.lines.pop(name, None)
                if rerun:
                    self.reruns += 1
                    return f"{name}: ended (rerun)"
                self.done += 1
                return f"{name}: ended" + (f" ({self.done} of {self.run.total})" if self.run else "")
            case _:
                return self._on(event, self.lines.setdefault(event.range_id, _Line(since=time.monotonic())))

    def _on(self, event: StepStarted | AlertSeen | ActionEnded | NodeChanged | PhaseChanged, line: _Line) -> str:
        match event:
            case PhaseChanged(range_id=name, phase=phase, detail=detail):
                line.phase, line.detail, line.step, line.entered = phase, detail, "", time.monotonic()
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

    def heading(self) -> str:
        """The run in one line: its level, how far it is, the benign window of each trial."""
        if self.run is None:
            return ""
        parts = [f"{self.run.run_id}: level {self.run.level}", f"{self.done} of {self.run.total} trials"]
        if self.run.window:
            parts.append(f"{clock(self.run.window)} benign window each")
        if self.reruns:
            parts.append(f"{self.reruns} rerun")
        return ", ".join(parts)

    def _where(self, line: _Line, now: float) -> str:
        """What the trial is at: a step, or how long the benign window still lasts, or the phase's detail."""
        if line.step:
            return line.step
        if line.detail.startswith("benign") and self.run is not None:
            return f"{line.detail}, {clock(max(0.0, self.run.window - (now - line.entered)))} left"
        return line.detail

    def _shown(self) -> Group:
        table = Table.grid(padding=(0, 2))
        with self.lock:
            now = time.monotonic()
            for name, line in self.lines.items():
                seen = (
                    f"{count(line.nodes, 'node')}, {count(line.alerts, 'alert')}" if line.nodes or line.alerts else ""
                )
                where, spent = self._where(line, now), f"{now - line.since:.0f} s"
                table.add_row(Text(name, style="bold"), Text(line.phase, style="cyan"), Text(where), seen, spent)
            return Group(Text(self.heading(), style="bold"), table, Text(self.note[:100], style="dim"))


def clock(seconds: float) -> str:
    """Seconds as people read a clock: `0.3 s`, `45 s`, `7:30 min`, `2:05 h`."""
    whole = round(seconds)
    if 0 < seconds < 1:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
