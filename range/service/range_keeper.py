"""Keeps one range as it is wanted: launches it, heals it, changes it, removes it.

Knows: the order of things, what is written before an act and what after it, and when to give up.
Must never: read what woke it, or decide what a difference means (range/plan.py and range/service/remaking.py do).

Level-triggered: each pass reads the row, looks at the engine, plans, and carries the plan out stage by stage. Before
a stage is begun, the row says so (`step`, `opened`), under the fence; so whoever goes on after a crash knows what may
have been begun, and one who lost the row begins nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from range.errors import (
    EngineFault,
    NodeFailed,
    NotFound,
    ProvisionFailed,
    RangeError,
    Stale,
    StoreUnavailable,
    Superseded,
)
from range.events import Event as Happening
from range.events import ImageProgress, Note, nowhere
from range.flows import defended, ranges
from range.operations.deploy import deploy
from range.operations.provision import configure
from range.plan import Complete, CreateNode, Observed, Ownership, Plan, RemoveNode, StartNode
from range.ports import Placed, Ports
from range.rows import RANGE_ENDS, NodeState, PoolRow, RangeRow, RunRow
from range.service import documents, remaking
from range.service.admission import turn
from range.service.alerts import forget_nodes
from range.service.context import Service
from range.service.holding import NEVER, Event, Held, first, wake
from range.stores import UNABLE, Writing
from range.troubles import keepable, kept, reason_of

QUEUE = 2.0
"""Seconds between two looks at whether it is a queued range's turn."""
TOLD = 1.0
"""Seconds between two lines of a builder that are passed on."""


def keep_range(service: Service, held: Held[RangeRow]) -> float:
    """A holding.Handler for ranges."""
    row, now = held.row, service.store.now()
    if row.status in RANGE_ENDS:
        return NEVER
    if row.desired == "up" and 0 < row.lease_until <= now:
        row = held.write(also=lambda rows, row: _expire(rows, row, now))
    if row.desired == "gone":
        return _leave(service, held)
    if not row.started and row.attempts >= service.limits.attempts:
        return _fail(service, held, row.problem or _not_up(service, row))
    if not row.started and 0 < row.deadline <= now:
        return _fail(service, held, _not_up(service, row))
    held.due = lambda row: row.lease_until
    wait = _Making(service, held).run()
    lease = held.row.lease_until
    return max(0.0, min(wait, lease - service.store.now())) if lease else wait


def backoff(attempts: int) -> float:
    """Seconds before what failed so often is done again."""
    return float(min(60.0, 2.0**attempts))


# --- ends ---------------------------------------------------------------------------------------------------------


def _expire(rows: Writing, row: RangeRow, now: float) -> RangeRow | None:
    """Its lease is over, unless it was extended just now."""
    if not 0 < row.lease_until <= now:
        return None
    rows.note(row.org, "service", "ranges.expire", f"range/{row.id}", lease_until=row.lease_until)
    again = row.generation + 1
    return rows.change(RangeRow, row.id, desired="gone", reason="its lease ended", problem=None, generation=again)


def _lease_end(row: RangeRow, now: float) -> float:
    """When one that begins now is to be destroyed: what it waited is not taken off its lease."""
    return now + row.lease if row.lease else row.lease_until


def _late(service: Service, row: RangeRow, last: str = "") -> RangeError:
    """`last`: the last fault on the way, in a line."""
    what = f"the range was not up after {service.limits.phase:g} s; it was at: {row.step or 'the start'}"
    return RangeError(what + (f"; the last fault: {last}" if last else ""),
                      hint="a larger phase limit gives it longer; its events say what took so long")  # fmt: skip


def _not_up(service: Service, row: RangeRow) -> dict[str, Any]:
    """The problem of a range that was not up in time: where it was, and the last fault on the way with its log."""
    last = kept(row.problem)
    problem = keepable(_late(service, row, reason_of(row.problem)))
    return {**problem, "log": last.log} if last is not None else problem


def _leave(service: Service, held: Held[RangeRow]) -> float:
    """Remove everything there is of it; then it is gone."""
    if held.row.status != "stopping":
        _stopping(service, held, held.row.reason, problem=None)
    return _removed(service, held, "gone", None)


def _fail(service: Service, held: Held[RangeRow], problem: Any) -> float:
    """Give up: nothing of it stays, but its row says why, also when its removal has faults of its own."""
    if held.row.status != "stopping":
        attempts = max(held.row.attempts, service.limits.attempts)
        _stopping(service, held, reason_of(problem), problem=problem, attempts=attempts)
    try:
        return _removed(service, held, "failed", problem)
    except (Stale, StoreUnavailable):
        raise
    except RangeError as error:
        if held.stop.is_set():
            raise
        reason = f"it cannot be removed yet: {error}".partition("\n")[0]
        if reason != held.row.reason:
            _status(held, "stopping", reason)
        return backoff(service.limits.attempts)


def _stopping(service: Service, held: Held[RangeRow], reason: str, **fields: Any) -> None:
    deadline = service.store.now() + service.limits.phase
    _status(held, "stopping", reason, step="remove", deadline=deadline, **fields)


def _say_stuck(service: Service, held: Held[RangeRow], problem: Any) -> None:
    """Say that it is still there, once for every time that its removal may take; what keeps it, its faults said."""
    row, now = held.row, service.store.now()
    if not 0 < row.deadline <= now:
        return
    what = reason_of(row.problem) if row.problem and not problem else "the engine still has it"
    late = RangeError(f"it could not be removed in {service.limits.phase:g} s: {what}; it is tried again",
                      hint="`jointrange doctor` on the service's machine says how its engine is")  # fmt: skip
    again = now + service.limits.phase
    _status(held, "stopping", str(late), deadline=again, problem=problem or row.problem or keepable(late))


def _removed(service: Service, held: Held[RangeRow], status: str, problem: Any) -> float:
    _say_stuck(service, held, problem)
    held.due = lambda row: row.deadline
    ports = held.ports()
    ranges.down(ports, held.row.id, nowhere, missing_ok=True)
    if any(line.range_id == held.row.id for line in ports.engine.survey()):
        return min(0.5, service.limits.idle)
    now = service.store.now()

    def also(rows: Writing, row: RangeRow) -> None:
        forget_nodes(rows, row.id, None)
        if row.pool:
            wake(rows, PoolRow, row.pool, now)
        for waiting in rows.find(RangeRow, status="queued", limit=20):
            wake(rows, RangeRow, waiting.id, now)
        for waiting_run in rows.find(RunRow, status="queued", limit=20):
            wake(rows, RunRow, waiting_run.id, now)

    kept_by = held.row.problem is not None  # for a while, and no longer: that is no reason any more
    reason = reason_of(problem) if status == "failed" else "" if kept_by else held.row.reason
    blank: dict[str, Any] = {"step": "", "states": (), "opened": (), "remake": (), "deadline": 0.0}
    left = problem if status == "failed" else None
    _status(held, status, reason, also=also, seen=held.row.generation, ended=now, problem=left, **blank)
    return NEVER


def _status(held: Held[RangeRow], status: str, reason: str, *events: Event, also: Any = None, **fields: Any) -> None:
    held.write(
        *events,
        ("range.status", {"status": status, "reason": reason}),
        also=also,
        status=status,
        reason=reason,
        **fields,
    )


# --- up -----------------------------------------------------------------------------------------------------------


def _forgetting(nodes: Collection[str]) -> Any:
    """What a new life of these nodes also changes: their logs begin again. None: there are no such nodes."""

    def also(rows: Writing, row: RangeRow) -> None:
        forget_nodes(rows, row.id, nodes)

    return also if nodes else None


class _Making:
    """One pass over a range that is wanted up."""

    def __init__(self, service: Service, held: Held[RangeRow]) -> None:
        row = held.row
        self.service, self.held = service, held
        self.generation = row.generation
        self.ports: Ports = held.ports()
        bare = documents.bare_layout(service, row.topology)
        self.put = defended.put(bare, documents.loaded_tools(service, row.tools))
        self.evidence = service.data / "ranges" / row.id
        self.told = 0.0
        owner = service.owner(f"range/{row.id}")
        self.ownership = Ownership(service.instance, owner, bare.name, kept=True, created=row.created)

    def run(self) -> float:
        """Seconds until it is to be looked at again."""
        if self.held.row.status == "queued" and (wait := self._queue()):
            return wait
        try:
            return self._make()
        except Superseded:
            return 0.0
        except NotFound as error:  # it was there a moment ago: the next look at the engine finds what there is now
            raise EngineFault(f"a part of it went away while it was worked on: {error}") from error
        except (NodeFailed, ProvisionFailed) as error:
            if self.held.row.started or self.held.row.attempts == 0 or self.ports.stop.is_set():
                raise
            return _fail(self.service, self.held, keepable(error))

    def _queue(self) -> float:
        """Ask for a place on the machine; seconds to wait when there is none."""
        held, now = self.held, self.service.store.now()
        with self.service.store.writing() as rows:
            row = held.fenced(rows, holder=held.row.holder)
            said = turn(rows, self.service, row)
            if said.allowed:
                fields: dict[str, Any] = {"status": "starting", "reason": ""}
                fields |= {"deadline": now + self.service.limits.phase, "lease_until": _lease_end(row, now)}
                row = held.fenced(rows, **fields)
                rows.tell(row.org, held.subject, "range.status", {"status": "starting", "reason": ""})
            elif said.reason != row.reason:
                row = held.fenced(rows, reason=said.reason)
                rows.tell(row.org, held.subject, "range.status", {"status": "queued", "reason": said.reason})
        held.row = row
        return 0.0 if said.allowed else QUEUE

    def _make(self) -> float:
        row = self.held.row
        observed = self.ports.engine.observe(row.id)
        made = remaking.todo(row, self.put.layout, observed)
        healing = remaking.settled(row)
        if healing and made.empty:
            return self._up(observed)
        if row.started and row.attempts >= self.service.limits.attempts:
            return self._give_up(observed)
        if healing and row.attempts and row.status == "up":
            self._degraded(observed, f"{self._died(observed)} again; it is made anew soon")
            return backoff(row.attempts)
        if row.started and row.status != "up" and 0 < row.deadline <= self.service.store.now():
            self.held.write(deadline=0.0)
            raise _late(self.service, row)
        self._begin(observed, healing)
        self._carry_out(observed)
        seen = self.ports.engine.observe(row.id)
        left = remaking.todo(self.held.row, self.put.layout, seen)
        if not left.empty:
            what = "; ".join(remaking.step(stage) for stage in left.stages)
            raise EngineFault(f"range {row.id} is not whole: {what} is to be done again")
        return self._up(seen, healed=healing)

    def _begin(self, observed: Observed, healing: bool) -> None:
        """Say that something is being done, and have the images for it."""
        row, service = self.held.row, self.service
        fields: dict[str, Any] = {}
        if row.status != "starting" and not healing:
            fields = {"status": "starting", "reason": ""}
        elif healing and row.status != "degraded":
            fields = {"status": "degraded", "reason": self._died(observed)}
        if fields or not row.deadline:
            fields["deadline"] = service.store.now() + service.limits.phase
        said = [("range.status", {key: fields[key] for key in ("status", "reason")})] if "status" in fields else []
        states = remaking.states(self.put.layout, observed, row.opened)
        self._write("prepare images", states, *said, **fields)
        self.held.due = lambda row: first(row.deadline, row.lease_until)
        defended.check(self.ports, self.put)
        ranges.check_capabilities(self.ports, self.put.layout)
        self.put = defended.prepare(self.ports, self.put, self.evidence, self._tell)

    def _carry_out(self, observed: Observed) -> None:
        """Stage by stage; before each, the row says what is begun."""
        made = remaking.todo(self.held.row, self.put.layout, observed)
        touched = remaking.touched(made)
        due = tuple(one for one in self.put.placed if one.tool.configure is not None and touched & set(one.nodes))
        tooled = {name for one in due for name in one.nodes}
        states = remaking.states(self.put.layout, observed, self.held.row.opened)
        opened: set[str] = set(self.held.row.opened)
        for stage in made.stages:
            opened |= {one.node.name for one in stage if isinstance(one, StartNode) and one.node.start}
            opened |= tooled if isinstance(stage[0], Complete) else set()
            fresh = {one.node.name for one in stage if isinstance(one, CreateNode)}
            self._write(remaking.step(stage), states, also=_forgetting(fresh), opened=tuple(sorted(opened)))
            emit, workers = self._tell, self.service.workers
            alone = Plan(made.range_id, (stage,))
            deploy(alone, self.ownership, self.ports.engine, self.ports.switchboard, emit, workers=workers,
                   cancelled=self.ports.stop)  # fmt: skip
            states = remaking.progressed(states, stage)
            gone = {one.node for one in stage if isinstance(one, RemoveNode)}
            if gone:
                opened -= gone
                self._write("", states, also=self._taken(gone), opened=tuple(sorted(opened)))
        if due:
            self._configure(due, states, tuple(sorted(tooled)))
        self._write("", states, opened=())

    def _taken(self, gone: set[str]) -> Any:
        """What a removal of nodes also changes: they need not be made anew any more, and their alerts begin again."""

        def also(rows: Writing, row: RangeRow) -> RangeRow:
            forget_nodes(rows, row.id, gone)
            same = row.generation == self.generation
            left = tuple(name for name in row.remake if name not in gone and not (same and name == remaking.ALL))
            return rows.change(RangeRow, row.id, remake=left) if left != row.remake else row

        return also

    def _configure(self, due: Sequence[Placed], states: tuple[NodeState, ...], nodes: tuple[str, ...]) -> None:
        self._write("configure " + ", ".join(one.tool.name for one in due), states, opened=nodes)
        told = lambda line: self._tell(Note(line))  # noqa: E731
        configure(self.held.row.id, self.put.layout, due, self.ports.provisioner, self.evidence, told)

    # --- what is written --------------------------------------------------------------------------------------

    def _up(self, observed: Observed, healed: bool | None = None) -> float:
        """It is as wanted: say so. `healed` None: nothing had to be done."""
        service, row, now = self.service, self.held.row, self.service.store.now()
        states = remaking.states(self.put.layout, observed)
        left = remaking.left_dead(row, self.put.layout, observed)
        attempts = row.attempts + 1 if healed else row.attempts if healed is None else 0
        quiet = row.deadline if healed is None else now + service.limits.again
        if healed is None and now >= quiet:
            attempts = 0
        reason = self._died(observed) + "; its topology leaves it so" if left else ""
        status = "degraded" if left else "up"
        fields: dict[str, Any] = {"attempts": attempts, "deadline": quiet if attempts else 0.0, "seen": self.generation}
        if status != row.status or reason != row.reason:
            fields |= {"status": status, "reason": reason}
        if not row.started:
            fields["started"] = now
        if row.problem is not None and not left:
            fields["problem"] = None
        elif left and row.problem is None:
            fields["problem"] = keepable(self._fault(observed))
        said = [("range.status", {"status": status, "reason": reason})] if "status" in fields else []
        self._write("", states, *said, also=self._done, **fields)
        return min(service.limits.again, max(quiet - now, 1.0)) if attempts else service.limits.again

    def _done(self, rows: Writing, row: RangeRow) -> RangeRow | None:
        """Nothing is to be made anew any more. A copy for a pool is ready: its keeper wants to know."""
        if row.pool and not row.claimed and row.status != self.held.row.status:
            wake(rows, PoolRow, row.pool, self.service.store.now())
        if row.remake and row.generation == self.generation:
            return rows.change(RangeRow, row.id, remake=())
        return None

    def _give_up(self, observed: Observed) -> float:
        """Leave a range that was up as it is, and say why."""
        row = self.held.row
        said = kept(row.problem)
        problem = row.problem if row.problem is not None else keepable(self._fault(observed))
        if said is None or said.detail == self._died(observed):
            reason = f"{self._died(observed)} again and again; it is left as it is. A reset makes it anew"
        else:
            reason = f"given up after {row.attempts} tries: {reason_of(problem)}"
        if row.status != "degraded" or reason != row.reason:
            self._degraded(observed, reason, problem=problem)
        return self.service.limits.again

    def _degraded(self, observed: Observed, reason: str, **fields: Any) -> None:
        said = ("range.status", {"status": "degraded", "reason": reason})
        states = remaking.states(self.put.layout, observed, self.held.row.opened)
        self._write("", states, said, status="degraded", reason=reason, deadline=0.0, **fields)

    def _died(self, observed: Observed) -> str:
        dead = remaking.dead(self.put.layout, observed)
        if not dead:
            return "the range is not whole" if observed.fabric else "the range has lost its fabric"
        return f"node {', '.join(dead)} died" if len(dead) == 1 else f"nodes {', '.join(dead)} died"

    def _fault(self, observed: Observed) -> NodeFailed:
        """The death of a node, with the last it said."""
        dead = remaking.dead(self.put.layout, observed)
        there = {node.name for node in observed.nodes}
        node = next((name for name in dead if name in there), "")
        log = ""
        if node:
            try:
                log = self.ports.engine.logs(self.held.row.id, node, tail=20)
            except RangeError as error:
                log = f"(no log: {error})"
        return NodeFailed(self._died(observed), node=node, log=log, hint="a reset of the range makes it anew")

    def _write(self, step: str, states: tuple[NodeState, ...], *events: Event, also: Any = None, **fields: Any) -> None:
        """The journal: what is begun, and how the nodes are. Raises Superseded when something else is wanted."""
        row = self.held.row
        before = {one.name: one for one in row.states}
        said = [
            ("range.node", {"node": one.name, "status": one.status, "detail": one.detail})
            for one in states
            if before.get(one.name) != one
        ]
        if step:
            said.insert(0, ("range.step", {"step": step, "detail": ""}))
        fields |= {"states": states} if states != row.states else {}
        changed = {key: value for key, value in {**fields, "step": step}.items() if getattr(row, key) != value}
        if changed or events or said or row.remake:
            row = self.held.write(*events, *said, also=also, **changed)
        if row.generation != self.generation or row.desired != "up":
            raise Superseded(f"something else is wanted of {self.held.subject} by now")
        if self.held.stop.is_set():
            raise KeyboardInterrupt

    def _tell(self, happening: Happening) -> None:
        """Pass on what a builder says, a line a second at most."""
        line = happening.detail if isinstance(happening, ImageProgress) else ""
        line = happening.text if isinstance(happening, Note) else line
        now = self.service.clock.now()
        if line and now - self.told >= TOLD and not self.held.lost.is_set():
            self.told = now
            with suppress(*UNABLE):  # what is left out is a line, and no reason to end the work
                self.held.tell(("range.step", {"step": self.held.row.step, "detail": line[:200]}))
