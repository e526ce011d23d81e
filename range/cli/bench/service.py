"""`jointrange bench service`: a service of its own under load, and its memory while ranges come and go.

Knows: how a service is started for a while, in a folder and an instance of its own.
Must never: touch one that is there.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from range.cli import console
from range.cli.options import Json
from range.errors import Conflict, ServiceUnavailable
from range.settings import PREFIX, from_environment
from range.wire import RangeRequest, Upload, UploadFile

if TYPE_CHECKING:
    from range.client import Client
    from range.measuring.churn import Churned
    from range.measuring.load import Figures

UP = 300.0
START = 60.0
END = 30.0
"""Seconds the service gets to end: more than it takes for itself (range/cli/serve.py)."""
TOPOLOGY = """schema: jointrange.topology/1
name: bench
networks:
  lan: {cidr: 10.0.0.0/24}
nodes:
  host: {image: jointrange/base, count: COUNT, networks: [lan]}
"""


def service(
    ranges: Annotated[int, typer.Option(min=1, max=200, help="Ranges alive meanwhile.")] = 20,
    nodes: Annotated[int, typer.Option(min=1, max=50, help="Nodes of each.")] = 5,
    clients: Annotated[int, typer.Option(min=1, max=500, help="Clients that poll, about once a second.")] = 50,
    streams: Annotated[int, typer.Option(min=1, max=500, help="Clients that follow events.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 60.0,
    churn: Annotated[float, typer.Option(min=0, help="Minutes to create and destroy ranges for, after that.")] = 0.0,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; SQLite when absent.")] = "",
    json: Json = False,
) -> None:
    """A service of its own with ranges alive: how quickly it answers many, and whether its memory stays flat."""
    from range.client import Client
    from range.measuring.churn import churn as churned

    figures: Figures
    memory: Churned | None = None
    with served(database) as (url, token, pid), Client(url, token) as client:
        figures = _loaded(client, url, token, ranges=ranges, nodes=nodes, clients=clients, streams=streams,
                          seconds=seconds)  # fmt: skip
        if churn:
            console.note(f"creating and destroying for {churn:g} minutes")
            request = RangeRequest(upload=Upload(main="topology.yaml", files=(topology_of(2),)), warm=False)
            memory = churned(client, request, 60 * churn, lambda: resident(pid))
    if json:
        console.show_json({"load": figures, "memory": memory})
    else:
        show(figures, memory)


def _loaded(
    client: Client, url: str, token: str, *, ranges: int, nodes: int, clients: int, streams: int, seconds: float
) -> Figures:
    """The load itself: while it lasts, a cable is cut and restored once a second. No range is left, however it ends."""
    from range.measuring.load import Target, measure

    upload, made = Upload(main="topology.yaml", files=(topology_of(nodes),)), list[str]()
    try:
        for number in range(1, ranges + 1):
            made.append(client.ranges.create(RangeRequest(upload=upload, name=f"load-{number}")).id)
        views = [client.wait_range(one, "up", UP) for one in made]
        node = views[0].nodes[0]
        console.note(f"{ranges} ranges of {nodes} nodes are up")
        each = tuple(f"/v1/ranges/{one}" for one in made)

        def stir(turn: int) -> None:
            one = made[turn // 2 % len(made)]
            client.ranges.set_link(one, node.name, node.ends[0].interface, up=bool(turn % 2))

        target = Target(url, token, ("/v1/ranges", *each, "/v1/runs", "/v1/usage", "/v1/topologies", "/v1/me"))
        return measure(target, clients=clients, streams=streams, seconds=seconds, stir=stir)
    finally:
        for one in made:
            client.ranges.destroy(one)
        for one in made:
            client.wait_range(one, "gone", UP)


@contextmanager
def served(database: str) -> Iterator[tuple[str, str, int]]:
    """A service with a folder and an instance of its own: address, token, process. Everything of it is gone after.

    `database`: an empty one, or none. Raises Conflict (there are rows in it: they are somebody's), Refused (no such
    URL), StoreUnavailable, ServiceUnavailable.
    """
    _demand_free(database)
    with tempfile.TemporaryDirectory(prefix="jointrange-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "range", "serve"],
                env=environment(os.environ, Path(folder) / "data", database),
                stdout=subprocess.PIPE,
                stderr=stream,
                start_new_session=True,  # Ctrl-C is for us: the service is needed to remove what was made
            )
        try:
            token = first_line(process, START)
            url = next((word for word in log.read_text().split() if word.startswith("http://")), "")
            if not token or not url:
                raise ServiceUnavailable(f"the service did not start: {log.read_text().strip()[-500:]}")
            _ready(url)
            yield url, token, process.pid
        finally:
            end(process, END)


def environment(given: Mapping[str, str], data: Path, database: str) -> dict[str, str]:
    """The environment of a service of our own: of the settings here, only where the engine is. Raises Invalid."""
    engine = from_environment(given).docker_host
    kept = {name: text for name, text in given.items() if not name.startswith(PREFIX)}
    ours = {
        "DATA": str(data),
        "INSTANCE": f"bench-{os.getpid()}",
        "LISTEN": "127.0.0.1:0",
        "CPUS": "1000",
        "DATABASE": database,
        "DOCKER_HOST": engine,
    }
    return {**kept, **{PREFIX + name: text for name, text in ours.items() if text}}


def _demand_free(database: str) -> None:
    """Raises Conflict: there are rows in it, which the service would work on as its own."""
    if not database:
        return
    from range.store.opening import occupied  # SQLAlchemy: only here

    if occupied(database):
        raise Conflict("there are rows in this database already", hint="name an empty one, made for the benchmark")


def first_line(process: subprocess.Popen[bytes], patience: float) -> str:
    """What a process writes first; empty when it has ended, or written nothing for so many seconds."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], patience)
    return process.stdout.readline().decode().strip() if ready else ""


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Have a process end in order; after so many seconds, however it is."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _ready(url: str) -> None:
    """Wait until it answers. Raises ServiceUnavailable."""
    from range.client import Client

    with Client(url, patience=START) as client:
        client.transport.content("/healthz")


def resident(pid: int) -> int:
    """Bytes of memory a process has now (proc(5), VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def topology_of(nodes: int) -> UploadFile:
    """A topology of so many hosts on one network."""
    return UploadFile(path="topology.yaml", text=TOPOLOGY.replace("COUNT", str(nodes)))


def show(figures: Figures, memory: Churned | None) -> None:
    """The figures as tables."""
    rows = []
    for name, one in (("one client", figures.alone), (f"{figures.clients} clients", figures.loaded)):
        told = asdict(one)
        rows.append((name, str(one.requests), str(one.failed), *(f"{told[key]:.1f}" for key in ("p50", "p90", "p99")),
                     f"{one.longest:.1f}"))  # fmt: skip
    console.show_table("answers", ("GET", "REQUESTS", "FAILED", "P50 ms", "P90 ms", "P99 ms", "LONGEST ms"), rows)
    console.out.print(f"ratio_p50 {figures.ratio_p50:.2f}   ratio_p99 {figures.ratio_p99:.2f}")
    alike = "the same, each once, in order" if figures.same else "NOT the same"
    console.out.print(f"{figures.streams} streams heard {figures.events} events: {alike}")
    if memory is not None:
        sizes = " / ".join(f"{size / 2**20:.1f}" for size in memory.thirds)
        console.out.print(
            f"{memory.cycles} ranges made and destroyed in {memory.seconds:.0f} s; memory by thirds {sizes} MiB",
            soft_wrap=True,
        )
        console.out.print(f"growth {memory.growth:.3f}   {memory.per_cycle / 1024:.1f} KiB each cycle")
