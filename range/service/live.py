"""Live: what is asked of a range that is up, through the engine: cables, commands, logs, captures.

Knows: that only a range that is up answers, and that nothing is done in a pool's copy before it is somebody's; what a
picture of one shows. Must never: change a range's row, or do something before the audit log says so.
"""

from __future__ import annotations

import base64
import threading
from html import escape
from typing import Any

from range import drawing
from range.errors import Conflict, NotFound, ServiceUnavailable
from range.hints import known_names
from range.ports import LinkState, PacketStream
from range.rows import RANGE_LIVE, RangeRow
from range.service import documents, pools
from range.service.context import Principal, Service
from range.service.shapes import shape
from range.stores import Reading
from range.wire import ExecRequest, ExecView, LinkChange, LinkView, SegmentView

LINES_AT_MOST = 10_000
_COLOURS = {"ready": "#2e9e5b", "starting": "#d08a12", "dead": "#d43c3c"}


def standing(row: RangeRow) -> RangeRow:
    """The row, when its range can be asked something. Raises Conflict."""
    if row.status not in RANGE_LIVE:
        why = f": {row.reason}" if row.reason else ""
        raise Conflict(f"range {row.name} is {row.status}, not up{why}", hint="follow its events until it is up")
    return row


def used(row: RangeRow) -> RangeRow:
    """The row, when something may be done in its range. Raises Conflict: it is not up, or an unused copy of a pool."""
    return pools.taken(standing(row))


def segment_of(rows: Reading, service: Service, row: RangeRow, name: str) -> SegmentView:
    """A network or link. Raises NotFound."""
    segments = shape(rows, service, row.topology, row.tools).segments
    for segment in segments:
        if segment.name == name:
            return segment
    hint = known_names(name, [segment.name for segment in segments])
    raise NotFound(f"range {row.name} has no network or link {name}", hint=hint)


def links(service: Service, row: RangeRow) -> tuple[LinkView, ...]:
    """Every cable as it is now."""
    return tuple(_link(line) for line in service.ports().switchboard.links(standing(row).id))


def _link(line: LinkState) -> LinkView:
    return LinkView(node=line.node, interface=line.interface, segment=line.segment, up=line.up, impair=line.impair)


def set_link(service: Service, who: Principal, row: RangeRow, node: str, interface: str, ask: LinkChange) -> LinkView:
    """Cut, restore or impair a cable; everybody who follows the range is told. Raises NotFound, Refused, Conflict."""
    impair = ask.impair.model_dump(exclude_none=True) if ask.impair else None
    said: dict[str, Any] = {"node": node, "interface": interface, "up": ask.up, "impair": impair}
    key = used(row).id
    with service.store.writing() as rows:
        rows.note(row.org, who.id, "ranges.link", f"range/{key}", **said)
    state = service.ports().switchboard.set_link(key, node, interface, up=ask.up, impair=ask.impair)
    with service.store.writing() as rows:
        rows.tell(row.org, f"range/{key}", "range.link", said)
    return _link(state)


def note_command(service: Service, who: Principal, row: RangeRow, node: str, ask: ExecRequest) -> None:
    """Note in the audit log that a command is about to be run."""
    shown = ask.command if isinstance(ask.command, str) else " ".join(ask.command)
    key = used(row).id
    with service.store.writing() as rows:
        rows.note(row.org, who.id, "ranges.exec", f"range/{key}", node=node, command=shown[:500])


def execute(service: Service, row: RangeRow, node: str, ask: ExecRequest, stop: threading.Event) -> ExecView:
    """Run a command to its end, or to its time limit. What it prints is bounded by the engine (`truncated`).

    Raises ServiceUnavailable: it was killed because `stop` was set.
    """
    argv = ["sh", "-c", ask.command] if isinstance(ask.command, str) else list(ask.command)
    engine = service.ports().engine
    ended = engine.exec(used(row).id, node, argv, timeout=ask.timeout, user=ask.user, stop=stop)
    if ended.exit_code is None and not ended.timed_out and stop.is_set():
        raise ServiceUnavailable(
            "the command was killed, because the service is stopping", hint="see what it did before you run it again"
        )
    return ExecView(
        exit_code=ended.exit_code,
        stdout=base64.b64encode(ended.stdout).decode(),
        stderr=base64.b64encode(ended.stderr).decode(),
        seconds=round(max(0.0, ended.end - ended.start), 6),
        timed_out=ended.timed_out,
        truncated=ended.truncated,
    )


def logs(service: Service, row: RangeRow, node: str, tail: int) -> str:
    """The last lines a node's first process and its start commands printed."""
    return service.ports().engine.logs(standing(row).id, node, tail=min(tail, LINES_AT_MOST))


def capture(service: Service, who: Principal, row: RangeRow, segment: str, bpf: str) -> PacketStream:
    """A pcap as it comes. Close it. Raises Conflict, NotFound, Refused (the filter)."""
    key = used(row).id
    with service.store.writing() as rows:
        rows.note(row.org, who.id, "ranges.capture", f"range/{key}", segment=segment, bpf=bpf[:200])
    return service.ports().switchboard.capture(key, segment, bpf)


def picture(service: Service, row: RangeRow, *, states: bool = False) -> str:
    """The range's drawing as SVG; with `states`, each node in the colour of the state it was last seen in."""
    svg = drawing.svg(documents.layout_of(service, row.topology, row.tools))
    if not states:
        return svg
    rules = "".join(
        f'[data-node="{escape(one.name, quote=True)}"]>.jr-card{{stroke:{_COLOURS[one.status]};stroke-width:2.5}}'
        for one in row.states
        if one.status in _COLOURS
    )
    return svg.replace("</svg>", f"<style>{rules}</style>\n</svg>")
