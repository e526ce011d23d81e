"""Ranges of a service, and what goes on inside a live one.

Knows: their routes; that a range is found by its id, or by its name when only one has it.
Must never: wait (range/client/waiting.py does).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from range.client.asking import asked
from range.client.finding import changed, one_of
from range.client.transport import Transport, word
from range.errors import ServiceUnavailable
from range.ports import ExecResult, LinkState
from range.rows import RANGE_ENDS
from range.topology import Impairment
from range.wire import (
    ConsoleRequest,
    ConsoleView,
    ExecRequest,
    ExecView,
    Extension,
    LinkChange,
    LinkView,
    Page,
    PlanView,
    RangeChange,
    RangeRequest,
    RangeView,
    Reset,
)

LONGEST_COMMAND = 3600.0
"""Seconds a command in a node, or a capture, may take."""


class Ranges:
    """`client.ranges`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self, *, ended: bool = False) -> Iterator[RangeView]:
        """The ranges that are there or on their way; `ended`: those that were, too."""
        for view in self._to.pages("/v1/ranges", RangeView):
            if ended or view.status not in RANGE_ENDS:
                yield view

    def find(self, name: str) -> RangeView:
        """The range of this id, or the living one of this name. Raises NotFound, Conflict (several have it)."""
        return one_of("range", name, self.get, self.all)

    def get(self, id_: str) -> RangeView:
        """A range by id. Raises NotFound."""
        return self._to.get(_at(id_), RangeView)

    def create(self, request: RangeRequest) -> RangeView:
        """Ask for a range; it is on its way when this returns. Raises Invalid, QuotaExceeded, Conflict."""
        return self._to.post("/v1/ranges", RangeView, request)

    def preview(self, request: RangeRequest) -> PlanView:
        """What `create` would do. Raises as it does."""
        return self._to.post("/v1/ranges", PlanView, request, dry_run="true")

    def plan(self, id_: str) -> PlanView:
        """What is still to be done until the range is as wanted."""
        return self._to.get(f"{_at(id_)}/plan", PlanView)

    def change(self, id_: str, change: RangeChange) -> RangeView:
        """Another topology or name. Raises Stale: somebody else has changed them in the meantime."""

        def try_it(etag: str) -> RangeView | None:
            return self._to.change("PATCH", _at(id_), RangeView, change, etag=etag)

        return changed(lambda: self._to.tagged(_at(id_), RangeView), try_it, lambda view: (view.digest, view.name))

    def preview_change(self, id_: str, change: RangeChange) -> PlanView:
        """What `change` would do. Raises as it does."""
        plan = self._to.change("PATCH", _at(id_), PlanView, change, dry_run="true")
        return plan if plan is not None else self.plan(id_)

    def destroy(self, id_: str) -> RangeView:
        """Have it removed; it is on its way out when this returns."""
        return self._to.change("DELETE", _at(id_), RangeView) or self.get(id_)

    def extend(self, id_: str, lease: str) -> RangeView:
        """Let it live so long from now: `2h`."""
        return self._to.post(f"{_at(id_)}/lease", RangeView, asked(Extension, lease=lease))

    def reset(self, id_: str, nodes: Sequence[str] = ()) -> RangeView:
        """Have these nodes made anew; all of them when none is named."""
        return self._to.post(f"{_at(id_)}/reset", RangeView, asked(Reset, nodes=tuple(nodes)))

    def drawing(self, id_: str) -> str:
        """The range as SVG, as it is now."""
        return self._to.content(f"{_at(id_)}/drawing").decode()

    def links(self, id_: str) -> tuple[LinkState, ...]:
        """Every cable as it is now."""
        return tuple(_link(one) for one in self._to.get(f"{_at(id_)}/links", Page[LinkView]).items)

    def set_link(self, id_: str, node: str, interface: str, *, up: bool = True, impair: Impairment | None = None
                 ) -> LinkState:  # fmt: skip
        """Cut, restore or impair a cable."""
        where = f"{_at(id_)}/links/{word(node)}/{word(interface)}"
        state = self._to.change("PUT", where, LinkView, LinkChange(up=up, impair=impair), slow=60)
        if state is None:
            raise ServiceUnavailable(f"{where}: the answer is empty")
        return _link(state)

    def exec(self, id_: str, node: str, command: str | Sequence[str], *, timeout: float | None = 60.0, user: str = ""
             ) -> ExecResult:  # fmt: skip
        """Run a command in a node: text goes to its shell. At `timeout` seconds it is killed; None: after an hour."""
        limit = min(timeout or LONGEST_COMMAND, LONGEST_COMMAND)
        argv = command if isinstance(command, str) else tuple(command)
        request = asked(ExecRequest, command=argv, timeout=limit, user=user)
        ended = self._to.post(f"{_at(id_)}/nodes/{word(node)}/exec", ExecView, request, slow=limit)
        stdout, stderr = base64.b64decode(ended.stdout), base64.b64decode(ended.stderr)
        return ExecResult(ended.exit_code, stdout, stderr, 0.0, ended.seconds, ended.timed_out, ended.truncated)

    def logs(self, id_: str, node: str, tail: int = 200) -> str:
        """What a node's first process and its start commands said last."""
        return self._to.content(f"{_at(id_)}/nodes/{word(node)}/logs", tail=tail).decode("utf-8", "replace")

    def console(self, id_: str, node: str, argv: Sequence[str] = ()) -> ConsoleView:
        """A ticket for a console: open its path as a WebSocket, once."""
        return self._to.post(
            f"{_at(id_)}/nodes/{word(node)}/console", ConsoleView, asked(ConsoleRequest, argv=tuple(argv))
        )

    @contextmanager
    def capture(
        self, id_: str, network: str, *, seconds: float | None = None, bpf: str = ""
    ) -> Iterator[Iterator[bytes]]:
        """A pcap of a network as it comes; None: as long as it may. Raises ServiceUnavailable: it broke."""
        where = f"{_at(id_)}/captures/{word(network)}"
        try:
            with self._to.streamed(where, read=None, seconds=seconds or LONGEST_COMMAND, bpf=bpf) as answer:
                yield answer.iter_bytes()
        except httpx.TransportError as error:
            raise ServiceUnavailable(
                f"the capture broke off: {error}", hint="what was captured before is whole"
            ) from error


def _at(id_: str) -> str:
    return f"/v1/ranges/{word(id_)}"


def _link(view: LinkView) -> LinkState:
    return LinkState(view.node, view.interface, view.segment, view.up, view.impair)
