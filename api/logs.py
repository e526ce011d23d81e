"""The service's log: one line a thing that happened, each with the range, run or pool it is about.

Knows: the two shapes of a line, text and JSON, and that every event of the store is worth a line.
Must never: hold a secret, or be where something is decided.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from range.errors import RangeError
from range.rows import EventRow
from range.stores import Store

NAME = "jointrange"
FIELDS = ("subject", "org", "actor", "request", "method", "path", "status", "ms", "event", "data")
"""What a line may carry besides its words, in this order."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
BATCH = 500
PATIENCE = 5.0


class Line(logging.Formatter):
    """A record as one line. `subject` (`range/<id>`) also gives the field `range`, `run` or `pool`."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told = {name: value for name in FIELDS if (value := getattr(record, name, None)) not in (None, "")}
        kind, _, which = str(told.pop("subject", "")).partition("/")
        about = {kind: which} if which else {}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.json:
            whole = {"at": at, "level": record.levelname.lower(), "message": record.getMessage(), **about, **told}
            return json.dumps(whole, default=str)
        trace = "".join(f"\n  {_plain(line)}" for line in str(told.pop("trace", "")).splitlines())
        rest = "".join(f" {name}={_short(value)}" for name, value in {**about, **told}.items())
        return f"{at} {record.levelname.lower():7} {_plain(record.getMessage())}{rest}{trace}"


def _plain(text: str) -> str:
    """Text on one line: what would begin another, or steer a terminal, is written out."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _short(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str)
    text = str(value)
    return json.dumps(text) if re.search(r'[\s"]', text) or _CONTROL.search(text) else text


def configure(style: str, stream: TextIO | None = None) -> None:
    """Send our lines and the server's to `stream` (standard error), as `text` or `json`. Safe to call again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Line(style))
    for name in (NAME, "uvicorn.error"):
        log = logging.getLogger(name)
        log.handlers[:] = [handler]
        log.setLevel(logging.INFO)
        log.propagate = False


class EventLog:
    """A thread that writes a line for each event of the store, in their order, from the moment it is begun."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)

    def start(self) -> None:
        """Begin with what comes next."""
        self._thread.start()

    def stop(self) -> None:
        """End it; what is committed by now may be left out."""
        self._stop.set()
        self._store.wake()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        after = self._store.wait(-1, 0)
        while not self._stop.is_set():
            try:
                if self._store.wait(after, PATIENCE) <= after:
                    continue
                with self._store.reading() as rows:
                    found = rows.events(after, BATCH)
            except RangeError as error:
                logging.getLogger(NAME).warning("events cannot be read: %s", error)
                self._stop.wait(PATIENCE)
                continue
            for event in found:
                log_event(event)
                after = event.seq


def log_event(event: EventRow) -> None:
    """One event as one line."""
    level = logging.ERROR if event.data.get("status") == "failed" else logging.INFO
    extra = {"subject": event.subject, "org": event.org, "event": event.seq, "data": dict(event.data)}
    logging.getLogger(NAME).log(level, event.type, extra=extra)
