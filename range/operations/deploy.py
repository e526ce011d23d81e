"""Deploy: carry out a plan against an engine, and tell what happens.

Knows: that the changes of one stage may run at once, how start commands are run, and when a node is ready.
Must never: decide what should change (range/plan.py does), or know which engine it talks to.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event as Flag

from range.errors import EngineUnavailable, NodeFailed, NotFound, RangeError
from range.events import NodeChanged, PhaseChanged, Sink
from range.layout import NodeSpec, StartSpec
from range.plan import Change, Complete, CreateNode, Ownership, Plan, RemoveNode, StartNode, Wire
from range.ports import Engine, Switchboard
from range.topology import CommandReady, Ready, seconds

LOG = "log=/proc/1/fd/1; [ -w $log ] || log=/dev/null; "
FOREGROUND = LOG + 'sh -c "$1" >>$log 2>&1 </dev/null'
BACKGROUND = LOG + 'setsid sh -c "$1" >>$log 2>&1 </dev/null & :'
UNTIL = 'while :; do out=$(sh -c "$1" 2>&1) && exit 0; echo "$out" | tail -n 1; sleep 0.1; done'


def deploy(
    plan: Plan,
    ownership: Ownership,
    engine: Engine,
    switchboard: Switchboard,
    emit: Sink,
    *,
    workers: int = 4,
    cancelled: Flag | None = None,
) -> None:
    """Make the plan real. Raises the first RangeError; changes already begun are finished first.

    `workers` bounds how many containers start at once; waiting for readiness holds none of them.
    """
    stop = cancelled or Flag()
    phase = ""
    for stage in plan.stages:
        if (now := _phase(stage)) != phase and _shows(stage):
            phase = now
            emit(PhaseChanged(plan.range_id, "wiring" if now == "wire" else "starting", _summary(stage)))
        size = len(stage) if isinstance(stage[0], StartNode) else workers
        with ThreadPoolExecutor(max_workers=min(size, 64)) as pool:
            running = [
                pool.submit(_one, plan.range_id, ownership, change, engine, switchboard, emit, stop) for change in stage
            ]
            _finish(running)
        if stop.is_set():
            raise KeyboardInterrupt


def _finish(running: list[Future[None]]) -> None:
    done, rest = wait(running, return_when=FIRST_EXCEPTION)
    for future in rest:
        future.cancel()
    wait(rest)
    for future in done:
        future.result()


def _one(
    range_id: str,
    ownership: Ownership,
    change: Change,
    engine: Engine,
    switchboard: Switchboard,
    emit: Sink,
    stop: Flag,
) -> None:
    if stop.is_set():
        return
    if isinstance(change, StartNode):
        _start(range_id, change.node, engine, switchboard)
        emit(NodeChanged(range_id, change.node.name, "ready"))
        return
    engine.apply(range_id, ownership, change)
    if isinstance(change, CreateNode):
        emit(NodeChanged(range_id, change.node.name, "created"))
    elif isinstance(change, RemoveNode):
        emit(NodeChanged(range_id, change.node, "removed"))


def _start(range_id: str, node: NodeSpec, engine: Engine, switchboard: Switchboard) -> None:
    """Run the start commands in order, then wait for every readiness check."""
    try:
        for command in node.start:
            _run(range_id, node, command, engine)
        for check in node.ready:
            _wait(range_id, node, check, engine, switchboard)
    except (NodeFailed, EngineUnavailable, NotFound):  # the last two: it is away, or nobody can tell; no fault of it
        raise
    except RangeError as error:
        log = _log(range_id, node.name, engine)
        raise NodeFailed(f"node {node.name}: {error}", node=node.name, log=log, hint=error.hint) from error


def _run(range_id: str, node: NodeSpec, command: StartSpec, engine: Engine) -> None:
    script = BACKGROUND if command.background else FOREGROUND
    ended = engine.exec(range_id, node.name, ["sh", "-c", script, "sh", command.run], timeout=command.timeout)
    if ended.exit_code == 0:
        return
    how = f"took longer than {command.timeout:g} s" if ended.timed_out else f"ended with {ended.exit_code}"
    raise NodeFailed(
        f"node {node.name}: start command `{_first_line(command.run)}` {how}",
        node=node.name,
        log=_log(range_id, node.name, engine) or ended.stderr.decode("utf-8", "replace"),
        hint="run it by hand: `jointrange up --keep` leaves the range, then `jointrange exec`",
    )


def _wait(range_id: str, node: NodeSpec, check: Ready, engine: Engine, switchboard: Switchboard) -> None:
    timeout = seconds(check.timeout)
    if isinstance(check, CommandReady):
        ended = engine.exec(range_id, node.name, ["sh", "-c", UNTIL, "sh", check.command], timeout=timeout)
        last = ended.text.strip().rpartition("\n")[2]
        wrong = "" if ended.exit_code == 0 else f"`{_first_line(check.command)}` never ended with 0: {last}"
    else:
        wrong = switchboard.wait_ready(range_id, node.name, check, timeout)
    if wrong:
        raise NodeFailed(
            f"node {node.name} was not ready after {timeout:g} s: {wrong}",
            node=node.name,
            log=_log(range_id, node.name, engine),
            hint="see its log above; a service that needs longer wants a larger `timeout:` in its `ready:`",
        )


def _log(range_id: str, node: str, engine: Engine) -> str:
    try:
        return engine.logs(range_id, node, tail=20)
    except RangeError as error:
        return f"(no log: {error})"


def _first_line(command: str) -> str:
    line, _, more = command.strip().partition("\n")
    return line[:100] + (" ..." if more or len(line) > 100 else "")


def _shows(stage: tuple[Change, ...]) -> bool:
    """Whether a stage does anything that takes time."""
    return any(not isinstance(change, Complete | StartNode) or _busy(change) for change in stage)


def _busy(change: Change) -> bool:
    return isinstance(change, StartNode) and bool(change.node.start or change.node.ready)


def _phase(stage: tuple[Change, ...]) -> str:
    return "wire" if isinstance(stage[0], Wire) else "start"


def _summary(stage: tuple[Change, ...]) -> str:
    return f"{len(stage)} change{'s' * (len(stage) > 1)}"
