"""The desk of a service: commands asked of it through the client.

Knows: which request answers which wish, and that what was asked for goes on when nobody waits.
Must never: print, or decide what a result means.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from range.bundle import names
from range.bundle.opening import sealed_result
from range.cli.console import plain
from range.cli.desk import Ended, Line, Planned, RangeWish, Removed, Risen, RunWish, Seen, SeenNode, Waiting
from range.cli.following import RangeEvents, RunEvents
from range.cli.outfolder import results_folder
from range.cli.sending import Document, document, unsent
from range.cli.show import age, plan_lines
from range.client import Client
from range.client.asking import asked
from range.client.waiting import failure
from range.errors import Conflict, NotFound, Refused
from range.events import Note, Sink
from range.plan import RangeSummary
from range.ports import ExecResult, LinkState
from range.rows import RANGE_ENDS, RANGE_LIVE
from range.topology import Impairment
from range.wire import PlanView, RangeChange, RangeRequest, RangeView, RunRequest, RunView

PLAIN_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}"
"""A file's name that leads nowhere else."""


class RemoteDesk:
    """range.cli.desk.Desk."""

    def __init__(self, client: Client) -> None:
        """Asks the service nothing yet."""
        self.client = client

    def plan(self, wish: RangeWish) -> Planned:
        """What `up` would do."""
        _no_machine(wish.keep)
        place, called = unsent(self.client, wish.topology)
        tools = [document(self.client, "tool", word) for word in wish.tools]
        name = wish.name or called
        there = self._living(name)
        if there is None:
            return _planned(name, self.client.ranges.preview(_request(wish, name, tools, **place)))
        _same_tools(there, tools)
        return _planned(name, self.client.ranges.preview_change(there.id, asked(RangeChange, **place)))

    def up(self, wish: RangeWish, emit: Sink) -> Risen:
        """Have it launched, or made equal to the document; wait until it is."""
        _no_machine(wish.keep)
        begun = time.monotonic()
        place = document(self.client, "topology", wish.topology)
        tools = [document(self.client, "tool", word) for word in wish.tools]
        name = wish.name or place.name
        there = self._living(name)
        if there is None:
            request = _request(wish, name, tools, topology=place.reference)
            planned = _planned(name, self.client.ranges.preview(request))
            view, after = self.client.ranges.create(request), 0
        else:
            _same_tools(there, tools)
            _same_project(there, wish.project)
            change = asked(RangeChange, topology=place.reference)
            planned = _planned(name, self.client.ranges.preview_change(there.id, change))
            view, after = self.client.ranges.change(there.id, change), None
            if wish.lease:
                view = self.client.ranges.extend(there.id, wish.lease)
        if wish.waiting.wait:
            with _going_on(f"range {name} is still being made; `jointrange down {name}` removes it"):
                heard = RangeEvents(name, emit)
                view = self.client.wait_range(view.id, "up", wish.waiting.timeout, after=after, heard=heard)
        lines = plan_lines([planned.lines], done=True)
        if view.pool and there is None:
            lines = (f"= {len(view.nodes)} nodes, claimed from a pool",)
        planned = Planned(name, lines, planned.data)
        return _risen(planned, place, view, time.monotonic() - begun, wish.waiting)

    def down(self, name: str, waiting: Waiting, emit: Sink) -> Removed:
        """Have it removed; wait until it is."""
        view = self.client.ranges.destroy(self.client.ranges.find(name).id)
        if waiting.wait:
            with _going_on(f"range {name} is still being removed"):
                heard = RangeEvents(view.name, emit)
                view = self.client.wait_range(view.id, "gone", waiting.timeout, after=None, heard=heard)
        data = {"range_id": name, "removed": None, "status": view.status}
        return Removed(name, None, data, "" if view.status in RANGE_ENDS else view.status)

    def ls(self) -> Sequence[Line]:
        """The living ranges of the caller's organisation or project."""
        now = time.time()
        return [_line(view, now) for view in self.client.ranges.all()]

    def look(self, name: str) -> Seen:
        """A range, as the service last saw it, and its cables when it is live."""
        view = self.client.ranges.get(self.client.ranges.find(name).id)
        links = self.client.ranges.links(view.id) if view.status in RANGE_LIVE else ()
        nodes = tuple(
            SeenNode(
                node.name,
                node.status + (f" ({node.detail})" if node.detail else ""),
                node.kind,
                node.image,
                tuple(f"{end.interface} {end.address or end.segment}" for end in node.ends),
            )
            for node in view.nodes
        )
        how = " ".join(part for part in (view.status, f"({view.reason})" if view.reason else "") if part)
        note = "" if view.status == "up" else f"{view.name} is {how}"
        return Seen(nodes, links, {"range": view, "links": links}, note)

    def exec(self, name: str, node: str, argv: Sequence[str], timeout: float | None, user: str) -> ExecResult:
        """Run a command in a node."""
        return self.client.ranges.exec(name, node, argv, timeout=timeout, user=user)

    def logs(self, name: str, node: str, tail: int) -> str:
        """What a node said."""
        return self.client.ranges.logs(name, node, tail)

    def links(self, name: str) -> tuple[LinkState, ...]:
        """Its cables."""
        return self.client.ranges.links(name)

    def set_link(self, name: str, node: str, end: str, up: bool, impair: Impairment | None) -> LinkState:
        """Change a cable."""
        return self.client.ranges.set_link(name, node, end, up=up, impair=impair)

    def capture(self, name: str, network: str, bpf: str, seconds: float | None
                ) -> AbstractContextManager[Iterator[bytes]]:  # fmt: skip
        """A pcap as it comes."""
        return self.client.ranges.capture(name, network, seconds=seconds, bpf=bpf)

    def run(self, wish: RunWish, emit: Sink) -> Ended:
        """Have a campaign run; wait for it, and fetch its report, its other outputs and its bundle."""
        _no_machine(wish.jobs, wish.new, wish.sign, wish.attack)
        folder = results_folder(wish.out) if wish.waiting.wait else None
        campaign = document(self.client, "campaign", wish.campaign)
        request = asked(
            RunRequest,
            campaign=campaign.reference,
            project=wish.project,
            level=wish.level,
            trials=wish.trials,
            benign_window=wish.benign_window,
            seed=wish.seed,
            fresh=wish.fresh,
        )
        run = self.client.runs.start(request)
        if folder is None:
            return Ended(run.id)
        emit(Note(f"{self.client.transport.url}: run {run.id} of {campaign.name}"))
        return self.fetch(run, folder, wish.waiting.timeout, emit)

    def fetch(self, run: RunView, folder: Path, timeout: float | None, emit: Sink) -> Ended:
        """Wait until a run has ended, and fetch what came of it into a folder of its own in `folder`.

        Raises KeyboardInterrupt when it was cancelled, what made it fail, ServiceUnavailable when the time is over.
        """
        on = f"run {run.id} goes on; `jointrange result {run.id}` waits for it, `jointrange cancel {run.id}` ends it"
        with _going_on(on):
            run = self.client.wait_run(run.id, timeout, after=0, heard=RunEvents(run.id, run.level, emit))
        if run.status == "cancelled":
            raise KeyboardInterrupt(f"run {run.id}: {run.reason or 'it was cancelled'}")
        if run.status != "done":
            raise failure(run)
        name = run.run if re.fullmatch(PLAIN_NAME, run.run) else run.id
        place = folder / name
        for file in run.files:
            if re.fullmatch(PLAIN_NAME, file):
                self.client.runs.save_file(run.id, file, place / file)
        bundle = self.client.runs.save_bundle(run.id, folder / f"{name}{names.SUFFIX}")
        return Ended(name, place, bundle, sealed_result(bundle))

    def _living(self, name: str) -> RangeView | None:
        try:
            view = self.client.ranges.get(name)
        except NotFound:
            return None
        return None if view.status in RANGE_ENDS else view


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Ctrl-C ends the waiting, and nothing else: it says what goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what) from None


def _request(wish: RangeWish, name: str, tools: Sequence[Document], **place: Any) -> RangeRequest:
    return asked(
        RangeRequest,
        **place,
        name=name,
        tools=tuple(tool.reference for tool in tools),
        lease=wish.lease or None,
        project=wish.project,
    )


def _planned(name: str, plan: PlanView) -> Planned:
    return Planned(name, plan_lines(plan.stages), {**plain(plan), "range_id": name})


def _risen(planned: Planned, place: Document, view: RangeView, seconds: float, waiting: Waiting) -> Risen:
    data = {**planned.data, "id": view.id, "status": view.status, "lease": view.lease, "lease_until": view.lease_until}
    data |= {"seconds": seconds}
    return Risen(planned, place.source, len(view.nodes), seconds, data, "" if waiting.wait else view.status)


def _line(view: RangeView, now: float) -> Line:
    ready = sum(node.status == "ready" for node in view.nodes)
    summary = RangeSummary(
        range_id=view.name,
        topology=view.topology,
        state="running" if view.status == "up" else view.status,
        nodes=tuple(node.name for node in view.nodes),
        running=ready,
        fabric=view.status in RANGE_LIVE,
        created=view.created,
        owner=view.actor,
        kept=True,
        orphan=False,
    )
    state = summary.state + (f", number {view.queue}" if view.queue else "")
    more = {"id": view.id, "status": view.status, "reason": view.reason, "lease_until": view.lease_until}
    return Line(
        summary,
        state,
        _life(view, now),
        {**plain(asdict(summary)), **more, "project": view.project, "queue": view.queue},
    )


def _life(view: RangeView, now: float) -> str:
    """How long it still lives, in words."""
    if view.lease_until:
        return f"{age(view.lease_until - now)} left"
    if view.lease:
        return f"{age(view.lease)} from its start"
    return "a pool's copy" if view.pool else "kept"


def _same_tools(there: RangeView, tools: Sequence[Document]) -> None:
    """Raises Conflict: the tools of a range stay what they were."""
    if sorted(there.tools) != sorted(tool.name for tool in tools):
        has = ", ".join(there.tools) or "no tool"
        raise Conflict(
            f"range {there.name} is there already, with {has}", hint="choose another --name, or `jointrange down` first"
        )


def _same_project(there: RangeView, project: str) -> None:
    """Raises Conflict: a range stays in the project it was made in."""
    if project and project != there.project:
        whose = f"of project {there.project}" if there.project else "of no project"
        raise Conflict(
            f"range {there.name} is there already, {whose}", hint="leave out --project, or choose another --name"
        )


def _no_machine(*said: object) -> None:
    """Raises Refused for what only the machine that does the work can be told."""
    if any(said):
        raise Refused(
            "--keep, --jobs, --new, --sign and --attack are for the machine that does the work, and that is a service",
            hint="leave it out; a bundle that was fetched is signed with `jointrange sign`",
        )
