"""A service over a real store and a pretended engine, driven row by row: time passes when a test says so."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from range.catalogue.writing import written
from range.ports import Ports
from range.rows import EventRow, PoolRow, RangeRow, Work
from range.service import documents
from range.service.context import Limits, Principal, Service
from range.service.holding import Handler
from range.service.loop import Loop
from range.service.pool_keeper import keep_pool
from range.service.range_keeper import keep_range
from range.stores import Reading, Store, Writing
from range.testing.memory import MemoryEngine
from range.testing.supplies import MemoryProvisioner, memory_ports
from range.wire import Upload, UploadFile
from tests.builders import a_service

WHO = Principal("token:test", "test", "org", "trainer")


@dataclass
class ShiftedStore:
    """A Store whose clock a test moves on: `shift` seconds ahead of the real one."""

    store: Store
    shift: float = 0.0

    def reading(self) -> AbstractContextManager[Reading]:
        return self.store.reading()

    def writing(self) -> AbstractContextManager[Writing]:
        return self.store.writing()

    def now(self) -> float:
        return self.store.now() + self.shift

    def wait(self, after: int, seconds: float) -> int:
        return self.store.wait(after, seconds)

    def wake(self) -> None:
        self.store.wake()

    def close(self) -> None:
        self.store.close()


@dataclass
class World:
    """Everything a test of keepers needs. `ports` are shared by all calls but for their stop flag."""

    shifted: ShiftedStore
    service: Service
    engine: MemoryEngine
    ports: Ports
    handlers: Mapping[type[Work], Handler] = field(default_factory=lambda: {RangeRow: keep_range, PoolRow: keep_pool})
    loops: list[Loop] = field(default_factory=list)

    @property
    def provisioner(self) -> MemoryProvisioner:
        assert isinstance(self.ports.provisioner, MemoryProvisioner)
        return self.ports.provisioner

    def topology(self, **nodes: dict[str, Any]) -> str:
        """`one` and `two` on one network, changed or added to as given; the id of its document."""
        made: dict[str, dict[str, Any]] = {"one": {"role": "client"}, "two": {"role": "server"}}
        for name, change in nodes.items():
            made[name] = {**made.get(name, {}), **change}
        value = {
            "schema": "jointrange.topology/1",
            "name": "small",
            "networks": {"lan": {"cidr": "10.0.0.0/24"}},
            "defaults": {"image": "jointrange/base", "networks": ["lan"]},
            "nodes": made,
        }
        return self._saved("topology", "topology.yaml", {"topology.yaml": written(value)})

    def tool(self, name: str = "watch", **changes: Any) -> str:
        """A tool on the server with one JSON lines log; the id of its document."""
        value = {
            "schema": "jointrange.tool/1", "name": name, "title": name, "place": {"on": {"role": "server"}},
            "alerts": [{"name": "log", "path": "/var/log/alerts", "format": "jsonlines",
                        "fields": {"rule": "rule", "title": "title", "time": "time"}}],
            **changes,
        }  # fmt: skip
        files = {"tool.yaml": written(value)}
        files |= {changes[key]: "- hosts: all\n  tasks: []\n" for key in ("install", "configure") if key in changes}
        return self._saved("tool", "tool.yaml", files)

    def _saved(self, kind: Any, main: str, files: Mapping[str, str]) -> str:
        upload = Upload(main=main, files=tuple(UploadFile(path=path, text=text) for path, text in files.items()))
        checked = documents.check(self.service, kind, upload)
        with self.shifted.writing() as rows:
            return documents.save(rows, WHO, checked, self.shifted.now())[0].id

    def wish(self, topology: str, key: str = "r-1", **changes: Any) -> RangeRow:
        """A range somebody wants from now on."""
        row = RangeRow(id=key, org="org", created=self.shifted.now(), name=key, topology=topology, nodes=2,
                       next_at=self.shifted.now(), **changes)  # fmt: skip
        with self.shifted.writing() as rows:
            rows.add(row)
        return row

    def want(self, key: str = "r-1", **fields: Any) -> RangeRow:
        """Something else is wanted of it from now on."""
        with self.shifted.writing() as rows:
            row = rows.get(RangeRow, key)
            assert row is not None
            now = self.shifted.now()
            return rows.change(RangeRow, key, generation=row.generation + 1, next_at=now, attempts=0, **fields)

    def row(self, key: str = "r-1") -> RangeRow:
        """The range's row."""
        with self.shifted.reading() as rows:
            row = rows.get(RangeRow, key)
        assert row is not None
        return row

    def pool(self, key: str) -> PoolRow:
        """The pool's row."""
        with self.shifted.reading() as rows:
            row = rows.get(PoolRow, key)
        assert row is not None
        return row

    def events(self, subject: str = "") -> tuple[EventRow, ...]:
        """All that was told."""
        with self.shifted.reading() as rows:
            return rows.events(0, 10_000, subject=subject)

    def said(self, what: str, subject: str = "range/r-1") -> list[Any]:
        """What the events of one type say: their status, their step, or all of their data."""
        key = {"range.status": "status", "range.step": "step"}.get(what)
        return [event.data[key] if key else dict(event.data) for event in self.events(subject) if event.type == what]

    def loop(self) -> Loop:
        """A loop whose rows are handled when a test says `step`."""
        self.loops.append(Loop(self.service, self.handlers))
        return self.loops[-1]

    def settle(self, seconds: float = 30.0, most: int = 60) -> None:
        """Handle every row that becomes due within so many seconds, as time goes by."""
        loop, until = self.loop(), self.shifted.shift + seconds
        for _ in range(most):
            while any(loop.step(kind) for kind in self.handlers):
                continue
            with self.shifted.reading() as rows:
                due = [max(row.next_at, row.held_until) for kind in (RangeRow, PoolRow) for row in rows.find(kind)]
            ahead = min(due, default=math.inf) - self.shifted.now()
            if self.shifted.shift + ahead > until:
                self.shifted.shift = max(self.shifted.shift, until)
                return
            self.shifted.shift += max(ahead, 0.001)
        raise AssertionError("it does not settle")


def a_world(store: Store, data: Path, *, limits: Limits | None = None, engine: MemoryEngine | None = None) -> World:
    """A world of its own."""
    engine = engine or MemoryEngine(instance="test")
    ports = memory_ports(engine)
    shifted = ShiftedStore(store)
    stopped = lambda: replace(ports, stop=threading.Event())  # noqa: E731
    service = a_service(shifted, data, ports=stopped, clock=engine.clock, limits=limits or Limits())
    return World(shifted, service, engine, ports)
