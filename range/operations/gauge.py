"""Gauge: what each node uses, and how the tools in it fare; asked before the attack and after it.

Knows: where Linux keeps the figures of a node's cgroup (v1 and v2), and how a tool's manifest says to ask.
Must never: ask a node more than once, fail because one does not answer, or judge.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from range.errors import RangeError
from range.layout import Layout
from range.ledger import SensorHealth, Usage
from range.ports import Clock, Engine, Placed
from range.tool import Tool

DEADLINE = 20.0
"""Seconds one node may take to answer."""

USAGE = r"""
c=/sys/fs/cgroup
for f in cpuacct cpu,cpuacct; do
  if [ -r $c/$f/cpuacct.usage ]; then read -r n <$c/$f/cpuacct.usage; echo "cpu-ns $n"; break; fi
done
if [ -r $c/cpu.stat ]; then while read -r k n; do [ "$k" != usage_usec ] || echo "cpu-us $n"; done <$c/cpu.stat; fi
for f in memory/memory.max_usage_in_bytes memory.peak memory.current; do
  if [ -r $c/$f ]; then read -r n <$c/$f; echo "memory $n"; break; fi
done
for f in memory/memory.oom_control memory.events; do
  if [ -r $c/$f ]; then while read -r k n; do [ "$k" != oom_kill ] || echo "killed $n"; done <$c/$f; fi
done
"""
"""The node's own cgroup, without starting a process."""

PROCESS = r"""
p() {
  t=$1; w=$2
  for d in /proc/[0-9]*; do
    { read -r n <"$d/comm"; } 2>/dev/null || continue
    [ "$n" = "$w" ] || continue
    { read -r s <"$d/stat"; } 2>/dev/null || continue
    s=${s##*) }
    case $s in Z*) continue; esac
    set -- $s
    shift 19
    echo "process $t $1 ${d#/proc/}"
  done
}
"""
"""A shell function: the processes of a name, each with when it began (clock ticks since the machine's start)."""

CONFIG = "find -L {paths} -type f -exec sha256sum {{}} + 2>/dev/null | LC_ALL=C sort -k 2 | sha256sum"


@dataclass(frozen=True, slots=True)
class ToolReading:
    """One tool in one node: its processes as (begun, number), its counters, the digest of its configuration."""

    processes: frozenset[tuple[int, int]] = frozenset()
    counters: Mapping[str, int] = field(default_factory=dict)
    config: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One node at one time (the trial's clock). A figure the kernel does not give is None; `fault`: no answer."""

    at: float
    cpu: float | None = None
    memory: int | None = None
    killed: int | None = None
    tools: Mapping[str, ToolReading] = field(default_factory=dict)
    fault: str = ""


def gauge(range_id: str, layout: Layout, placed: Iterable[Placed], engine: Engine, clock: Clock) -> dict[str, Reading]:
    """Node -> its reading, all nodes at the same time, one command each."""
    tools: dict[str, list[Tool]] = {node.name: [] for node in layout.nodes}
    for place in placed:
        for name in place.nodes:
            tools[name].append(place.tool)

    def one(name: str) -> Reading:
        argv = ["sh", "-c", script(tools[name])]
        try:
            ended = engine.exec(range_id, name, argv, timeout=DEADLINE)
        except RangeError as error:
            return Reading(clock.now(), fault=str(error))
        fault = f"node {name} did not answer within {DEADLINE:g} s" if ended.timed_out else ""
        return read(ended.text, [tool.name for tool in tools[name]], ended.end, fault)

    with ThreadPoolExecutor(min(8, len(tools))) as pool:
        return dict(zip(tools, pool.map(one, tools), strict=True))


def script(tools: Sequence[Tool]) -> str:
    """What a node is asked: its own figures, then each tool's, by the tool's number."""
    lines = [USAGE, PROCESS]
    for number, tool in enumerate(tools):
        asked = tool.health
        if asked.process is not None:
            lines.append(f"p {number} {shlex.quote(asked.process[:15])}")
        if asked.config:
            paths = " ".join(shlex.quote(path) for path in asked.config)
            lines.append(f"echo config {number} $({CONFIG.format(paths=paths)})")
        if asked.counters is not None:
            lines.append(f"sh -c {shlex.quote(asked.counters)} 2>/dev/null | while read -r k n; do")
            lines.append(f'  echo "counter {number} $k $n"\ndone')
    return "\n".join(lines) + "\nexit 0\n"


def read(said: str, tools: Sequence[str], at: float, fault: str = "") -> Reading:
    """A node's answer. A line nobody can read is passed over."""
    figures: dict[str, int] = {}
    processes: list[set[tuple[int, int]]] = [set() for _ in tools]
    counters: list[dict[str, int]] = [{} for _ in tools]
    configs = ["" for _ in tools]
    for line in said.splitlines():
        match line.split():
            case ["cpu-ns" | "cpu-us" | "memory" | "killed" as what, number] if _number(number):
                figures[what] = int(number)
            case ["process", tool, begun, number] if _all(tools, tool, begun, number):
                processes[int(tool)].add((int(begun), int(number)))
            case ["counter", tool, name, number] if _all(tools, tool, number):
                counters[int(tool)][name] = int(number)
            case ["config", tool, digest, *_] if _all(tools, tool):
                configs[int(tool)] = digest
    cpu = figures["cpu-ns"] / 1e9 if "cpu-ns" in figures else figures["cpu-us"] / 1e6 if "cpu-us" in figures else None
    return Reading(
        at,
        cpu,
        figures.get("memory"),
        figures.get("killed"),
        {
            name: ToolReading(frozenset(processes[number]), counters[number], configs[number])
            for number, name in enumerate(tools)
        },
        fault,
    )


def _all(tools: Sequence[str], tool: str, *numbers: str) -> bool:
    return all(map(_number, (tool, *numbers))) and int(tool) < len(tools)


def _number(word: str) -> bool:
    """Whether it is a count that a machine can have made: a tool may print anything, also 5000 digits."""
    return word.isdecimal() and len(word) < 20


def usage(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> tuple[Usage, ...]:
    """What each node used between two readings; none for a node whose kernel or engine did not say."""
    done = []
    for name, end in after.items():
        begin = before.get(name)
        if begin is None or begin.cpu is None or end.cpu is None or end.memory is None:
            continue
        done.append(Usage(name, end.at - begin.at, max(0.0, end.cpu - begin.cpu), end.memory))
    return tuple(done)


def health(
    placed: Iterable[Placed], before: Mapping[str, Reading], after: Mapping[str, Reading]
) -> tuple[SensorHealth, ...]:
    """How each tool fared in each of its nodes between two readings."""
    return tuple(
        _health(place.tool, name, before[name], after[name])
        for place in placed
        for name in place.nodes
        if name in before and name in after
    )


def _health(tool: Tool, node: str, before: Reading, after: Reading) -> SensorHealth:
    asked = tool.health
    first, last = before.tools.get(tool.name, ToolReading()), after.tools.get(tool.name, ToolReading())
    told = [what for what in (before.fault, after.fault) if what]
    running = restarted = None
    if asked.process is not None:
        running = bool(first.processes and last.processes)
        restarted = running and min(first.processes) not in last.processes
        if not running:
            when = " and ".join(
                word for word, seen in (("before", first.processes), ("after", last.processes)) if not seen
            )
            told.append(f"no process `{asked.process}` {when} the attack")
    packets, drops = (_grown(asked.counters, name, first, last) for name in ("packets", "drops"))
    if asked.counters is not None and (packets is None or drops is None):
        told.append("its counters could not be read")
    return SensorHealth(
        tool=tool.name,
        node=node,
        running=running,
        restarted=restarted,
        packets=packets,
        drops=drops,
        killed=None if before.killed is None or after.killed is None else max(0, after.killed - before.killed),
        config=first.config or last.config,
        detail="; ".join(told),
        changed=first.config != last.config if asked.config else None,
    )


def _grown(command: str | None, name: str, first: ToolReading, last: ToolReading) -> int | None:
    """What a counter grew by. One that is less than it was began again, so it counts as it is."""
    if command is None or name not in first.counters or name not in last.counters:
        return None
    grown = last.counters[name] - first.counters[name]
    return grown if grown >= 0 else last.counters[name]
