"""From a service's events to those that progress and live views are drawn from.

Knows: both shapes. Must never: draw, or make up what the service did not say.
"""

from __future__ import annotations

from typing import Any, cast

from range.events import AlertSeen, NodeChanged, Note, Phase, PhaseChanged, RunStarted, Sink, StepStarted, TrialEnded
from range.ledger import Alert
from range.wire import EventView


class RangeEvents:
    """Tells a sink what happens to one range. `name`: what people call it."""

    def __init__(self, name: str, emit: Sink) -> None:
        self.name = name
        self.emit = emit

    def __call__(self, event: EventView) -> None:
        data = event.data
        if event.type == "range.step" and data.get("step"):
            self.emit(PhaseChanged(self.name, cast(Phase, _text(data, "step")), _text(data, "detail")))
        elif event.type == "range.node":
            self.emit(NodeChanged(self.name, _text(data, "node"), _text(data, "status")))
        elif event.type == "range.status" and data.get("reason"):
            self.emit(Note(f"{self.name}: {_text(data, 'status')} ({_text(data, 'reason')})"))
        elif event.type == "range.status" and data.get("status") == "queued":
            self.emit(Note(f"{self.name}: queued"))


class RunEvents:
    """Tells a sink what happens in one run."""

    def __init__(self, run_id: str, level: str, emit: Sink) -> None:
        self.run_id = run_id
        self.level = level
        self.emit = emit
        self.done = -1
        self.ending: list[str] = []

    def __call__(self, event: EventView) -> None:
        data = event.data
        match event.type:
            case "run.progress":
                self._progress(data)
            case "run.phase":
                self._phase(_text(data, "range") or self.run_id, _text(data, "phase"), _text(data, "detail"))
            case "run.step":
                number, total = int(data.get("number", 0)), int(data.get("total", 0))
                self.emit(StepStarted(_text(data, "range"), _text(data, "step"), _text(data, "title"), number, total))
            case "run.alert":
                self.emit(AlertSeen(_text(data, "range"), _alert(data)))
            case "run.note":
                self.emit(Note(_text(data, "text")))
            case "run.status" if data.get("status") in ("queued", "cancelling"):
                reason = f" ({_text(data, 'reason')})" if data.get("reason") else ""
                self.emit(Note(f"{self.run_id}: {_text(data, 'status')}{reason}"))

    def _phase(self, name: str, phase: str, detail: str) -> None:
        self.emit(PhaseChanged(name, cast(Phase, phase), detail))
        if phase == "destroying" and name.endswith("-rerun"):
            self.emit(TrialEnded(name, rerun=True))
        elif phase == "destroying":
            self.ending.append(name)

    def _progress(self, data: dict[str, Any]) -> None:
        done, total = int(data.get("done", 0)), int(data.get("total", 0))
        if self.done < 0:
            self.emit(RunStarted(self.run_id, self.level, total, done, 0.0))
        elif done > self.done:
            self.emit(TrialEnded(self.ending.pop(0) if self.ending else self.run_id))
        self.done = max(done, self.done)


def _alert(data: dict[str, Any]) -> Alert:
    return Alert(
        tool=_text(data, "tool"),
        source="",
        node=_text(data, "node"),
        rule=_text(data, "rule"),
        title=_text(data, "title"),
        time=0.0,
        seen=0.0,
        raw="",
    )


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    return value if isinstance(value, str) else ""
