"""Runs of campaigns on a service.

Knows: their routes. Must never: wait (range/client/waiting.py does), or judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from range.client.transport import Transport, word
from range.wire import RescoreView, RunRequest, RunView, VerdictView


class Runs:
    """`client.runs`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[RunView]:
        """Every run I may see."""
        return self._to.pages("/v1/runs", RunView)

    def get(self, id_: str) -> RunView:
        """A run by id. Raises NotFound."""
        return self._to.get(_at(id_), RunView)

    def start(self, request: RunRequest) -> RunView:
        """Ask for a run; it is queued when this returns. Raises Invalid, Refused, QuotaExceeded."""
        return self._to.post("/v1/runs", RunView, request)

    def cancel(self, id_: str) -> RunView:
        """Have it end early: its ranges go, what is kept of it stays."""
        return self._to.post(f"{_at(id_)}/cancel", RunView)

    def verdicts(self, id_: str) -> Iterator[VerdictView]:
        """Every step in every arm."""
        return self._to.pages(f"{_at(id_)}/verdicts", VerdictView)

    def file(self, id_: str, name: str) -> bytes:
        """One of its files (`RunView.files`): report.html, junit.xml, result.json, ..."""
        return self._to.content(_file(id_, name))

    def save_bundle(self, id_: str, path: Path) -> Path:
        """Write the sealed bundle of a run that is done to this file. Raises Exhausted."""
        return self._to.save(f"{_at(id_)}/bundle", path)

    def save_file(self, id_: str, name: str, path: Path) -> Path:
        """Write one of its files. Raises Exhausted."""
        return self._to.save(_file(id_, name), path)

    def rescore(self, id_: str) -> RescoreView:
        """Have the sealed evidence judged again by the version that runs there now."""
        return self._to.post(f"{_at(id_)}/rescore", RescoreView, slow=120)


def _at(id_: str) -> str:
    return f"/v1/runs/{word(id_)}"


def _file(id_: str, name: str) -> str:
    return f"{_at(id_)}/files/" + "/".join(word(part) for part in name.split("/"))
