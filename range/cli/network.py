"""Commands on a live range's cables: link, capture, forward.

Knows: arguments. Must never: give a range a route; `forward` goes through the engine's API.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from range import wiring
from range.cli import console
from range.cli.choosing import desk, only_here
from range.cli.forwarding import Forward
from range.cli.options import Json, RangeName, bad
from range.cli.show import impairment
from range.settings import from_environment
from range.topology import Impairment

link_app = typer.Typer(no_args_is_help=True, help="Look at, cut, restore and impair cables of a live range.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(link_app, name="link")
    app.command(epilog="Example: jointrange capture demo dmz --write dmz.pcap --seconds 10")(capture)
    app.command(epilog="Example: jointrange forward demo web:80 --port 8080")(forward)


@link_app.command("ls", epilog="Example: jointrange link ls demo")
def link_ls(context: typer.Context, name: RangeName, json: Json = False) -> None:
    """List every cable, with its state and impairment."""
    links = desk(context).links(name)
    if json:
        console.show_json(links)
        return
    rows = [
        (f"{line.node}:{line.interface}", line.segment, "up" if line.up else "cut", impairment(line.impair))
        for line in links
    ]
    console.show_table("cables", ("CABLE", "NETWORK", "STATE", "IMPAIRMENT"), rows)


@link_app.command("set", epilog="Examples: jointrange link set demo web:eth0 --cut · ... --rate 1mbit · ... --restore")
def link_set(
    context: typer.Context,
    name: RangeName,
    cable: Annotated[str, typer.Argument(metavar="NODE:INTERFACE", help="Which cable (`jointrange link ls`).")],
    cut: Annotated[bool, typer.Option("--cut", help="Cut it.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Up again, and no impairment.")] = False,
    rate: Annotated[str | None, typer.Option(help="Bandwidth both ways, e.g. 10mbit.")] = None,
    delay: Annotated[str | None, typer.Option(help="One-way delay at each end, e.g. 20ms.")] = None,
    jitter: Annotated[str | None, typer.Option(help="Variation of the delay, e.g. 5ms.")] = None,
    loss: Annotated[float | None, typer.Option(help="Packets lost, in percent.")] = None,
    json: Json = False,
) -> None:
    """Cut, restore or impair one cable, in both directions, at once."""
    node, _, interface = cable.partition(":")
    asked = {"rate": rate, "delay": delay, "jitter": jitter, "loss": loss}
    given = {key: value for key, value in asked.items() if value is not None}
    if sum((cut, restore, bool(given))) != 1 or not interface:
        raise bad("link set", "say one of --cut, --restore, or impairments, and the cable as NODE:INTERFACE")
    impair = parse_impairment(given) if given else None
    state = desk(context).set_link(name, node, interface, not cut, impair)
    if json:
        console.show_json(state)
    else:
        how = "cut" if cut else f"up, {impairment(state.impair, none='no impairment')}"
        console.out.print(f"{node}:{interface} on {state.segment}: {how}")


def capture(
    context: typer.Context,
    name: RangeName,
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="A network, or the name of a link.")],
    write: Annotated[str, typer.Option("--write", "-w", help="pcap file; `-` is standard output.")] = "-",
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; else at Ctrl-C.")] = None,
    bpf: Annotated[str, typer.Option("--filter", "-f", help="A capture filter, e.g. 'tcp port 80'.")] = "",
) -> None:
    """Write a pcap of everything that crosses a network."""
    if write == "-" and sys.stdout.isatty():
        raise bad("capture", "a pcap is no text for a terminal: give --write FILE, or a pipe")
    total = 0
    with desk(context).capture(name, network, bpf, seconds) as stream:
        try:
            file = sys.stdout.buffer if write == "-" else open(write, "wb")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise bad("capture", f"cannot write {write}: {error.strerror}") from error
        try:
            for chunk in stream:
                file.write(chunk)
                file.flush()
                total += len(chunk)
        except KeyboardInterrupt:
            pass
        finally:
            if write != "-":
                file.close()
    if not total:
        raise bad("capture", f"nothing was captured; is the filter `{bpf}` a valid one?")
    console.err.print(f"{total} bytes of pcap written", style="dim")


def forward(
    context: typer.Context,
    name: RangeName,
    place: Annotated[str, typer.Argument(metavar="NODE:PORT", help="The node and its TCP port.")],
    port: Annotated[int, typer.Option(help="Port on this machine; 0 picks a free one.")] = 0,
    address: Annotated[str, typer.Option(help="Address on this machine to listen on.")] = "127.0.0.1",
) -> None:
    """Bring a node's TCP port to this machine until Ctrl-C, through the engine's API: the range gets no route."""
    only_here(context, "it is there that the port is opened")
    node, _, number = place.partition(":")
    if not node or not number.isdecimal() or not 0 < int(number) < 65536:
        raise bad("forward", f"`{place}` is not NODE:PORT")
    ports = wiring.ports(from_environment())
    with Forward(ports.switchboard, name, node, int(number), address, port) as open_port:
        console.out.print(f"http://{address}:{open_port.port}/ is {node}:{number} of {name}; Ctrl-C ends it")
        open_port.wait()


def parse_impairment(given: dict[str, str | float]) -> Impairment:
    """An impairment from options. Raises Invalid."""
    try:
        return Impairment.model_validate(given)
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("?",), "msg": str(error)}
        option = "--" + str(first["loc"][0])
        raise bad("link set", f"{option} is wrong; write e.g. --rate 10mbit, --delay 20ms, --loss 0.5") from error
