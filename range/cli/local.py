"""The desk of this machine: commands done by the flows, over its own engine.

Knows: which flow answers which wish. Must never: print, or know a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from range import catalogue, wiring
from range.bundle.keys import load_private
from range.catalogue import LoadedTopology
from range.catalogue.attack import attack_table
from range.cli.console import ending_after, plain
from range.cli.desk import Ended, Line, Planned, RangeWish, Removed, Risen, RunWish, Seen, SeenNode, Waiting
from range.cli.outfolder import results_folder
from range.cli.show import plan_data, plan_lines
from range.errors import Refused
from range.events import Sink
from range.flows import defended, ranges
from range.flows.campaigns import CampaignOrder, run_campaign
from range.flows.locks import range_lock
from range.flows.schedule import Overrides
from range.layout import Layout, resolve
from range.plan import Observed
from range.ports import ExecResult, LinkState
from range.settings import Settings
from range.topology import Impairment


class LocalDesk:
    """range.cli.desk.Desk."""

    def __init__(self, settings: Settings) -> None:
        """Asks the engine nothing yet."""
        self.settings = settings

    def plan(self, wish: RangeWish) -> Planned:
        """What `up` would do."""
        _, layout = _layout(wish.topology)
        todo = ranges.preview(wiring.ports(self.settings), wish.name or layout.name, layout)
        return Planned(todo.range_id, plan_lines(todo.lines()), plan_data(todo))

    def up(self, wish: RangeWish, emit: Sink) -> Risen:
        """Launch it, or make one that is there equal to its file."""
        _no_service(wish.waiting, lease=wish.lease, project=wish.project)
        loaded, layout = _layout(wish.topology)
        name = wish.name or layout.name
        tools = [catalogue.tool(word) for word in wish.tools]
        ports = wiring.ports(self.settings)
        with range_lock(self.settings.cache_folder, self.settings.instance, name):
            owner = wiring.ownership(self.settings, layout.name, kept=True, now=ports.clock.now())
            evidence = self.settings.cache_folder / "evidence" / name
            workers = wiring.workers(self.settings)
            done = defended.up(
                ports, name, layout, tools, owner, evidence, emit, workers=workers, keep_broken=wish.keep
            )
        lines = plan_lines(done.plan.lines(), done=True)
        data = {**plan_data(done.plan), "images_seconds": done.images_seconds, "seconds": done.seconds}
        planned = Planned(name, lines, data)
        return Risen(planned, str(loaded.path), len(layout.nodes), done.seconds, data)

    def down(self, name: str, waiting: Waiting, emit: Sink) -> Removed:
        """Remove it."""
        _no_service(waiting)
        ports = wiring.ports(self.settings)
        with range_lock(self.settings.cache_folder, self.settings.instance, name):
            done = ranges.down(ports, name, emit)
        return Removed(name, len(done.changes), {"range_id": name, "removed": len(done.changes)})

    def ls(self) -> Sequence[Line]:
        """The ranges of this installation."""
        return [
            Line(
                one,
                one.state + (", orphan" if one.orphan else ""),
                "kept" if one.kept else "dies with its maker",
                plain(one),
            )
            for one in wiring.ports(self.settings).engine.survey()
        ]

    def look(self, name: str) -> Seen:
        """A range, as its engine has it."""
        ports = wiring.ports(self.settings)
        observed = ranges.look(ports, name)
        links = ports.switchboard.links(name) if observed.fabric and observed.layout else ()
        return Seen(_nodes(observed), links, {"observed": observed, "links": links})

    def exec(self, name: str, node: str, argv: Sequence[str], timeout: float | None, user: str) -> ExecResult:
        """Run a command in a node."""
        return wiring.ports(self.settings).engine.exec(name, node, argv, timeout=timeout, user=user)

    def logs(self, name: str, node: str, tail: int) -> str:
        """What a node said."""
        return wiring.ports(self.settings).engine.logs(name, node, tail)

    def links(self, name: str) -> tuple[LinkState, ...]:
        """Its cables."""
        return wiring.ports(self.settings).switchboard.links(name)

    def set_link(self, name: str, node: str, end: str, up: bool, impair: Impairment | None) -> LinkState:
        """Change a cable."""
        return wiring.ports(self.settings).switchboard.set_link(name, node, end, up=up, impair=impair)

    @contextmanager
    def capture(self, name: str, network: str, bpf: str, seconds: float | None) -> Iterator[Iterator[bytes]]:
        """A pcap as it comes."""
        stream = wiring.ports(self.settings).switchboard.capture(name, network, bpf)
        try:
            with ending_after(seconds, stream.close):
                yield iter(stream)
        finally:
            stream.close()

    def run(self, wish: RunWish, emit: Sink) -> Ended:
        """Run a campaign to its end."""
        _no_service(wish.waiting, project=wish.project)
        signers = tuple(load_private(Path(key)) for key in wish.sign)
        table = attack_table(wish.attack) if wish.attack else None
        loaded = catalogue.campaign(wish.campaign)
        ports = wiring.ports(self.settings)
        order = CampaignOrder(
            loaded=loaded,
            instance=self.settings.instance,
            owner=wiring.owner(),
            workers=wiring.workers(self.settings),
            jobs=wish.jobs or self.settings.jobs,
            results=results_folder(wish.out or self.settings.results),
            cache=self.settings.cache_folder,
            overrides=Overrides(wish.level, wish.trials, wish.benign_window, wish.seed),
            fresh=wish.fresh,
            new=wish.new,
            signers=signers,
            table=table,
        )
        done = run_campaign(order, ports, emit)
        return Ended(done.result.run.run_id, done.folder, done.bundle, done.result)


def _layout(topology: str) -> tuple[LoadedTopology, Layout]:
    loaded = catalogue.topology(topology)
    return loaded, resolve(loaded.topology, loaded.sources)


def _nodes(observed: Observed) -> tuple[SeenNode, ...]:
    specs = {node.name: node for node in observed.layout.nodes} if observed.layout else {}
    found = []
    for node in observed.nodes:
        state = "ready" if node.started else "wired" if node.wiring else "running" if node.running else node.detail
        spec = specs.get(node.name)
        addresses = tuple(f"{end.name} {end.address or end.segment}" for end in spec.interfaces) if spec else ()
        found.append(SeenNode(node.name, state, spec.kind if spec else "?", spec.image if spec else "?", addresses))
    return tuple(found)


def _no_service(waiting: Waiting, **words: str) -> None:
    """Raises Refused for what only a service can do."""
    said = [f"--{key}" for key, word in words.items() if word]
    said += ["--no-wait"] if not waiting.wait else []
    said += ["--timeout"] if waiting.timeout is not None else []
    if said:
        raise Refused(f"{' and '.join(said)} needs a service", hint="name one with --server URL before the command")
