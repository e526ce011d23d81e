"""A small campaign for a pretended engine, and a world in which runs of it are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from range.ports import ExecResult
from range.rows import RUN_ENDS, RunRow
from range.service import run_keeper, runs
from range.service.context import Limits
from range.service.loop import Loop
from range.stores import Store
from range.testing.memory import MemoryEngine
from range.testing.supplies import MemoryImages
from range.testing.world import said
from range.wire import RunRequest, Upload, UploadFile
from tests.unit.flows.test_campaigns import CAMPAIGN, SCENARIO, TOOL, TOPOLOGY
from tests.unit.service.worlds import WHO, World, a_world

FILES: Mapping[str, str] = {
    "campaign.yaml": CAMPAIGN,
    "t.yaml": TOPOLOGY,
    "s.yaml": SCENARIO.replace("TARGET", "server"),
    "watch/tool.yaml": TOOL.replace("PLACE", "server"),
    "watch/install.yml": "- hosts: tool\n  tasks: []\n",
}


def an_upload(**changed: str) -> Upload:
    """Two trials of two arms; files by the first letters of their paths may be other ones."""
    files = {path: changed.get(path.partition(".")[0], text) for path, text in FILES.items()}
    return Upload(main="campaign.yaml", files=tuple(UploadFile(path=path, text=text) for path, text in files.items()))


def working(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
    """The one step of the scenario has its effect."""
    return said("worked") if argv[-1].endswith("do a") else None


class RunWorld:
    """A world, and what is asked of runs in it."""

    def __init__(self, store: Store, data: Path, answer: Any = working, limits: Limits | None = None) -> None:
        self.engine = MemoryEngine(answer=answer, instance="test")
        self.world: World = a_world(store, data, engine=self.engine, limits=limits)
        self.world.handlers = {RunRow: run_keeper.keep}
        self.service = self.world.service
        images = self.world.ports.images
        assert isinstance(images, MemoryImages)
        images.here["jointrange/base-with-watch"] = "sha256:watch"

    def start(self, **asked: Any) -> RunRow:
        """A run somebody wants from now on."""
        request = RunRequest(upload=None if "campaign" in asked else an_upload(), **asked)
        wanted = runs.prepare(self.service, WHO, request)
        with self.service.store.writing() as rows:
            return runs.start(rows, self.service, WHO, wanted, request)

    def row(self, key: str) -> RunRow:
        """The run's row now."""
        with self.service.store.reading() as rows:
            row = rows.get(RunRow, key)
        assert row is not None
        return row

    def cancel(self, key: str) -> RunRow:
        """Somebody wants it no longer."""
        with self.service.store.writing() as rows:
            return runs.cancel(rows, self.service, WHO, runs.find(rows, WHO, key))

    def loop(self) -> Loop:
        """A loop whose rows are handled when a test says `step`."""
        return self.world.loop()

    def keep(self, key: str, most: int = 20) -> RunRow:
        """Handle what is due, as time goes by, until the run has ended; the run as it is then."""
        loop = self.loop()
        for _ in [None] * most:
            row = self.row(key)
            if row.status in RUN_ENDS:
                return row
            ahead = max(row.next_at, row.held_until) - self.service.store.now()
            self.world.shifted.shift += max(ahead, 0.0) + 0.001
            loop.step(RunRow)
        raise AssertionError("it does not come to an end")

    def said(self, what: str, key: str) -> list[Any]:
        """The data of every event of one type about a run."""
        return [dict(event.data) for event in self.world.events(f"run/{key}") if event.type == what]
