"""What a run says: the worker's lines become progress, evidence and, in the end, an error with its reason.

Knows: the JSON lines of `ansible-runner worker`, and that whoever writes them may be hostile.
Must never: take a name of a file from them, unpack anything, or keep more than a run may say. (ansible-runner's own
reader does all three, which is why it is not used here.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from range.provisioner.bounded import parsed

Progress = Callable[[str], None]

SAID_MOST = 64 << 20
"""Bytes one run may print, its events included."""
LINE_MOST = 4 << 20
"""Bytes it may say at once: of one event, with the result of its task."""
VALUES_MOST = 200_000
"""Values of one event: commas and brackets, those of its texts included."""
EVENTS_MOST = 50_000
_NAME_MOST = 200
_DEPTH_MOST = 64
"""Levels of lists and mappings in one event: what nests deeper cannot be written down again, or told."""
_TAIL = 15
PART_MOST = 4096
"""Letters of one part of a reason: what a module says ends up in rows, events and answers."""
_ITEMS_MOST = 10
"""Items of a loop that failed, of which a reason tells."""
_LAST = frozenset(("successful", "failed", "timeout", "canceled", "error"))


class Nonsense(ValueError):
    """What came out of a run's container is not what a run says."""


class Hearing:
    """Hears one run. Use as a context manager: its evidence is written as it comes.

    status: the worker's last word, empty while there is none. explanation: what it said to that. task: the task that is
    running. failed: the data of the last task that failed.
    """

    def __init__(self, tool: str, total: int, progress: Progress, evidence: Path) -> None:
        self.status = ""
        self.explanation = ""
        self.task = ""
        self.failed: Mapping[str, Any] | None = None
        self._tool = tool
        self._total = total
        self._progress = progress
        self._evidence = evidence
        self._count = self._events = self._size = 0
        self._rest = bytearray()
        self._files: tuple[TextIO, TextIO] | None = None

    def __enter__(self) -> Hearing:
        output = (self._evidence / "output.txt").open("w", encoding="utf-8", errors="replace")
        self._files = output, (self._evidence / "events.jsonl").open("w", encoding="utf-8", errors="replace")
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files or ():
            file.close()
        self._files = None

    def feed(self, data: bytes) -> bool:
        """More of what the worker said; whether that was its last word. Raises Nonsense."""
        self._size += len(data)
        if self._size > SAID_MOST:
            raise Nonsense(f"it printed more than {SAID_MOST >> 20} MiB")
        start = len(self._rest)
        self._rest += data
        while not self.status:
            end = self._rest.find(b"\n", start)
            if (len(self._rest) if end < 0 else end) > LINE_MOST:
                raise Nonsense(f"it said more than {LINE_MOST >> 20} MiB at once, with one result of a task")
            if end < 0:
                break
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            start = 0
            self._line(line)
        return bool(self.status)

    def _line(self, line: bytes) -> None:
        try:
            said = parsed(line, VALUES_MOST)
        except ValueError as error:
            what = "it printed something that is not of Ansible's runner, or too much of it"
            raise Nonsense(f"{what}: {str(error)[:80]}") from None
        if not isinstance(said, dict) or _is_deep(said):
            raise Nonsense("it printed something that is not of Ansible's runner")
        status = said.get("status")
        if isinstance(status, str):
            if status in _LAST:
                self.status = status
                why, where = said.get("job_explanation"), said.get("result_traceback")
                parts = (_start(why) if isinstance(why, str) else "", _end(where) if isinstance(where, str) else "")
                self.explanation = plain("\n".join(filter(None, parts)))
        elif "event" in said:
            self._event(said)

    def _event(self, event: Mapping[str, Any]) -> None:
        self._events += 1
        if self._events > EVENTS_MOST:
            raise Nonsense(f"it told of more than {EVENTS_MOST} events")
        kind, data = str(event.get("event")), event.get("event_data")
        data = data if isinstance(data, dict) else {}
        self._keep(kind, data, event)
        if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            self._count += 1
            self.task = _name(data.get("task") or data.get("name"))
            of = f" of {self._total}" if self._count <= self._total else ""
            self._progress(f"{self._tool}: task {self._count}{of}: {self.task}")
        elif kind == "runner_on_unreachable" or (kind == "runner_on_failed" and not data.get("ignore_errors")):
            self.failed = data

    def _keep(self, kind: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        assert self._files is not None, "a hearing is a context manager"
        output, events = self._files
        text = event.get("stdout")
        if isinstance(text, str) and (text or kind == "verbose"):
            output.write(plain(text) + "\n")
            output.flush()
        if data:
            events.write(json.dumps({"event": kind, "created": event.get("created"), **data}) + "\n")

    def reason(self) -> tuple[str, str, str]:
        """Host, task and words of the failure; no host when no task failed. All of it is short."""
        if self.failed is None:
            return "", self.task, self.explanation or self._last_lines()
        result = self.failed.get("res")
        words = reason(result if isinstance(result, dict) else {})
        return _name(self.failed.get("host")), _name(self.failed.get("task") or self.task), words

    def _last_lines(self) -> str:
        path = self._evidence / "output.txt"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL * PART_MOST))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return plain(_end("\n".join(lines[-_TAIL:])))


def reason(result: Mapping[str, Any]) -> str:
    """The module's own message and the last lines it wrote, PART_MOST letters of each."""
    parts = [_start(result.get("msg") or result.get("reason") or "")]
    items = result.get("results")
    failed = [item for item in (items if isinstance(items, list) else ()) if _has_failed(item)]
    parts += [
        _start(f"item {_start(item.get('item'))}: {_start(item.get('msg', ''))}") for item in failed[:_ITEMS_MOST]
    ]
    if len(failed) > _ITEMS_MOST:
        parts.append(f"and {len(failed) - _ITEMS_MOST} more items")
    for name in ("stderr", "module_stderr", "stdout", "module_stdout"):
        text = _end("\n".join(str(result.get(name) or "").strip().splitlines()[-_TAIL:]))
        if text and text not in parts[0]:
            parts.append(text)
            break
    return plain("\n".join(part for part in parts if part)) or "it gave no reason"


def _has_failed(item: object) -> bool:
    return isinstance(item, Mapping) and bool(item.get("failed"))


def _start(value: object) -> str:
    """How it begins, and how much was left out."""
    text = str(value).strip()
    left = len(text) - PART_MOST
    return text if left <= 0 else f"{text[:PART_MOST]} … and {left} more letters"


def _end(text: str) -> str:
    """How it ends, and how much was left out."""
    text = text.strip()
    left = len(text) - PART_MOST
    return text if left <= 0 else f"{left} letters more, then … {text[-PART_MOST:]}"


def plain(text: str) -> str:
    """Text that does nothing to a terminal: control characters but line ends and tabs become `?`."""
    text = text.replace("\r\n", "\n")
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else "?" for one in text)


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEPTH_MOST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _name(value: object) -> str:
    return plain(str(value or ""))[:_NAME_MOST].replace("\n", " ")
