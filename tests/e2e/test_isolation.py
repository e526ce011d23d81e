"""No way out of a range: asked of the kernel inside every node, and listened for where a packet would arrive.

Nothing is sent to anything that is not ours: listeners stand on this machine and in a second range.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from range import wiring
from range.engine import owners
from range.engine.channel import Channel, run
from range.engine.client import connect
from range.engine.switchboard import capture_argv
from range.errors import IsolationBroken, Refused
from range.events import Event, PhaseChanged, StepStarted
from range.flows.defended import Defended
from range.flows.trials import TrialOrder, run_trial
from range.lab import Lab
from range.layout import resolve
from range.plan import Ownership
from range.scenario import Scenario
from range.settings import from_environment
from range.topology import Topology
from tests.e2e.traces import output

pytestmark = [pytest.mark.engine, pytest.mark.beside]

LabFactory = Callable[..., Lab]

METADATA = "169.254.169.254"
PUBLIC = "192.0.2.77"
"""A documentation address: it stands for the rest of the world, and nobody has it. Only looked up, never sent to."""

LISTEN = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
while True:
    client, address = server.accept()
    with open("/srv/heard", "a") as file:
        file.write(address[0] + "\\n")
    client.sendall(open("/srv/marker", "rb").read())
    client.close()
"""

TALK = """
import json, socket, sys
said = {}
for address in sys.argv[2:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as sock:
            sock.settimeout(0.7)
            try:
                sock.connect((address, int(sys.argv[1])))
                sock.send(b"from a node")
                said[address + "/" + kind.name] = sock.recv(100).decode() if kind == socket.SOCK_STREAM else "sent"
            except OSError as error:
                said[address + "/" + kind.name] = type(error).__name__ + ": " + str(error)
print(json.dumps(said))
"""


def a_topology() -> Topology:
    """Two networks, a router between them, a host on each."""
    return Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "isolated",
            "networks": {"lan": {"cidr": "10.66.1.0/24"}, "dmz": {"cidr": "10.66.2.0/24", "ipv6": "fd66:2::/64"}},
            "defaults": {
                "image": "jointrange/base",
                "files": {"/srv/listen.py": {"content": LISTEN}, "/srv/talk.py": {"content": TALK}},
            },
            "nodes": {
                "one": {"networks": ["lan"]},
                "gate": {"kind": "router", "networks": ["lan", "dmz"]},
                "two": {"networks": ["dmz"]},
            },
        }
    )


def a_breakable_topology() -> Topology:
    """Two hosts whose cables are not called eth0: the engine insists on that name for its own."""
    end = {"network": "lan", "interface": "cable"}
    return Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "breakable",
            "networks": {"lan": {"cidr": "10.66.3.0/24"}},
            "defaults": {"image": "jointrange/base", "networks": [end]},
            "nodes": {"one": {"role": "client"}, "two": {"role": "server"}},
        }
    )


@pytest.fixture(scope="module")
def copies(range_lab_session: LabFactory) -> tuple[Lab, Lab]:
    """Two ranges of one topology, side by side, with equal addresses."""
    first, second = range_lab_session(a_topology()), range_lab_session(a_topology())
    assert first.layout == second.layout
    return first, second


def own_addresses() -> list[str]:
    """Every address of this machine, the engine's gateways included, but for loopbacks and link-local ones."""
    listed = [info["local"] for link in json.loads(output("ip", "-j", "addr")) for info in link["addr_info"]]
    found = [text for text in listed if not (ip := ipaddress.ip_address(text)).is_loopback and not ip.is_link_local]
    assert found
    return found


@dataclass
class Canary:
    """A TCP and a UDP socket of this machine, on all its addresses, that note whoever knocks."""

    heard: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Canary:
        self.tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = int(self.tcp.getsockname()[1])
        self.udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.udp.bind(("::", self.port))
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self._tcp, self._udp)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self.tcp.shutdown(socket.SHUT_RDWR)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"over", ("::1", self.port))
        for thread in self.threads:
            thread.join()
        self.tcp.close()
        self.udp.close()

    def _tcp(self) -> None:
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                client, address = self.tcp.accept()
                client.close()
                self.heard.append(f"tcp from {address[0]}")

    def _udp(self) -> None:
        while not self.ended.is_set():
            data, address = self.udp.recvfrom(100)
            if not self.ended.is_set():
                self.heard.append(f"udp from {address[0]}: {data!r}")


def until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline, pause = time.monotonic() + 20, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, otherwise
        pause.wait(0.05)


def test_the_kernel_of_every_node_knows_no_way_out(copies: tuple[Lab, Lab]) -> None:
    """Routing tables hold no default and no device but cables; every outside address is unreachable."""
    lab = copies[0]
    outside = [*own_addresses(), METADATA, PUBLIC, "8.8.8.8", "2001:db8::1", "fd00:ec2::254"]
    script = "for a in " + " ".join(outside) + '; do echo "$a: $(ip route get $a 2>&1 | tr "\\n" " ")"; done'
    for name in lab.nodes:
        ends = {end.name for end in lab.layout.node(name).interfaces}
        for family in ("-4", "-6"):
            table = json.loads(lab.exec(name, f"ip {family} -j route show table all").check().text or "[]")
            mains = [row for row in table if row.get("table") != "local" and row.get("type", "unicast") == "unicast"]
            assert all(row["dev"] in ends for row in mains), mains
            assert not [row for row in mains if row["dst"] == "default"], mains
        answers = lab.exec(name, script).check().text.splitlines()
        assert len(answers) == len(outside)
        for answer in answers:
            assert "unreachable" in answer, f"{name}: {answer}"


def test_no_node_has_an_engine_interface_or_a_name_server(copies: tuple[Lab, Lab]) -> None:
    """Loopback and cables are all there is; the name server is a loopback where nobody answers."""
    lab = copies[0]
    for name in lab.nodes:
        links = json.loads(lab.exec(name, "ip -j link").check().text)
        ends = {end.name for end in lab.layout.node(name).interfaces}
        assert {link["ifname"] for link in links} == ends | {"lo"}
        words = [line.split() for line in lab.exec(name, "cat /etc/resolv.conf").check().text.splitlines()]
        assert [line[1] for line in words if line[:1] == ["nameserver"]] == ["127.0.0.1"]
        assert lab.exec(name, "cat /proc/net/udp /proc/net/tcp | grep -c :0035").text.strip() == "0"
        ended = lab.exec(name, ["python3", "-c", "import socket; socket.getaddrinfo('host.docker.internal', 80)"])
        assert ended.exit_code == 1
        assert "gaierror" in ended.errors
        mounts = lab.exec(name, "cat /proc/self/mounts").check().text
        assert "docker.sock" not in mounts
    assert lab.exec("one", "ping -c1 -W5 two").check()
    for name in lab.nodes:
        met = json.loads(lab.exec(name, "ip -j neigh").check().text)
        known = {address for address, _ in lab.layout.hosts} | {
            end.address.partition("/")[0] for node in lab.layout.nodes for end in node.interfaces if end.address
        }
        strangers = [one for one in met if one["dst"] not in known and not one["dst"].startswith("fe80:")]
        assert not strangers
    assert json.loads(lab.exec("one", "ip -j neigh").check().text), "nobody was met: this looked at nothing"


@contextlib.contextmanager
def attached_by_the_engine(range_id: str, node: str) -> Iterator[str]:
    """A node that the engine has noted on its own bridge; the container's name."""
    [container] = output(
        "docker", "ps", "--filter", f"label=jointrange.range={range_id}", "--filter", f"label=jointrange.node={node}",
        "--format", "{{.Names}}",
    ).split()  # fmt: skip
    output("docker", "network", "connect", "bridge", container)
    try:
        yield container
    finally:  # by name, and whether or not the container is still there: the engine would keep the attachment
        output("docker", "network", "disconnect", "--force", "bridge", container)


@contextlib.contextmanager
def joined_to_the_engine(range_id: str, node: str) -> Iterator[None]:
    """Break a range on purpose: lead to one of its nodes the cable that the engine only notes."""
    with attached_by_the_engine(range_id, node) as container:
        [seen] = json.loads(output("docker", "inspect", container))
        bridge, pid = seen["NetworkSettings"]["Networks"]["bridge"], str(seen["State"]["Pid"])
        output("ip", "link", "add", "jrbroken", "type", "veth", "peer", "name", "eth9", "netns", pid)
        output("ip", "link", "set", "jrbroken", "master", "docker0", "up")
        for change in (
            f"address add {bridge['IPAddress']}/{bridge['IPPrefixLen']} dev eth9",
            "link set eth9 up",
            f"route add default via {bridge['Gateway']}",
        ):
            output("nsenter", "--net", f"--target={pid}", "ip", *change.split())
        yield


def test_the_engine_itself_can_attach_no_node_to_a_network(copies: tuple[Lab, Lab]) -> None:
    """Its networking is off for our containers: it notes an attachment, and the node sees nothing of it."""
    lab = copies[0]
    look = "ip -j address; ip -j route show table all"
    before = lab.exec("one", look).check().text
    with attached_by_the_engine(lab.name, "one"):
        assert lab.exec("one", look).check().text == before


def test_listeners_of_this_machine_hear_nothing(copies: tuple[Lab, Lab]) -> None:
    addresses = own_addresses()
    with Canary() as canary:
        with socket.create_connection((addresses[0], canary.port), timeout=5):
            until(lambda: len(canary.heard) == 1, "the TCP canary is deaf")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"test", ("127.0.0.1", canary.port))
        until(lambda: len(canary.heard) == 2, "the UDP canary is deaf")
        for lab in copies:
            for name in lab.nodes:
                words = ["python3", "/srv/talk.py", str(canary.port), *addresses]
                tried = json.loads(lab.exec(name, words).check().text)
                assert len(tried) == 2 * len(addresses)
                refused = ("unreachable", "Cannot assign requested address")  # the latter: no IPv6 in this node
                assert all(answer.endswith(refused) for answer in tried.values()), f"{name}: {tried}"
        assert len(canary.heard) == 2, canary.heard


def test_a_second_range_hears_nothing_of_the_first(copies: tuple[Lab, Lab]) -> None:
    """Equal addresses, equal ports: each copy gets its own marker, and a listener in one is silent for the other."""
    first, second = copies
    port = 4477
    for lab, marker in ((first, "the first"), (second, "the second")):
        lab.put("two", "/srv/marker", marker)
        lab.exec("two", f"setsid python3 /srv/listen.py {port} >/dev/null 2>&1 </dev/null &").check()
        until(lambda lab=lab: lab.exec("two", f"ss -ltn | grep -q :{port}").exit_code == 0, "nobody listens")  # type: ignore[misc]
    address = first.node("two").address
    assert address == second.node("two").address
    for lab, marker in ((first, "the first"), (second, "the second")):
        tried = json.loads(lab.exec("one", ["python3", "/srv/talk.py", str(port), address]).check().text)
        assert tried[f"{address}/SOCK_STREAM"] == marker
    second.exec("two", "pkill -f [l]isten.py; rm -f /srv/heard").check()
    heard = first.exec("two", "cat /srv/heard").text.split()
    with second.capture("dmz") as taken:
        for _ in range(3):
            first.exec("one", ["python3", "/srv/talk.py", str(port), address]).check()
        assert len(first.exec("two", "cat /srv/heard").text.split()) == len(heard) + 3
        assert second.exec("two", "test -e /srv/heard").exit_code == 1
    assert b"from a node" not in bytes(taken.data)
    assert first.exec("one", f"ping -c1 -W2 {address}").exit_code == 0
    second.link("two").cut()
    try:
        assert first.exec("one", f"ping -c1 -W2 {address}").exit_code == 0
        assert second.exec("one", f"ping -c1 -W1 {address}").exit_code != 0
    finally:
        second.link("two").restore()


def test_a_filter_writes_and_reads_no_file(copies: tuple[Lab, Lab]) -> None:
    """The fabric shares the host's process space: an option of tcpdump would reach files of the host by `/proc`."""
    lab = copies[0]
    client = connect()
    [fabric] = output(
        "docker", "ps", "-q", "--filter", f"label=jointrange.range={lab.name}",
        "--filter", "label=jointrange.kind=fabric",
    ).split()  # fmt: skip
    for bpf in ("-w/tmp/x", "-F/etc/passwd", "-r/etc/passwd"):
        with pytest.raises(Refused, match="begins with `-`"):
            lab.ports.switchboard.capture(lab.name, "lan", bpf)
        told = run(Channel(client, fabric, capture_argv("lan", bpf), stdin=True), 10, lambda: None)
        assert told.stdout == b""
        assert b"root:" not in told.stderr
        assert b"syntax error" in told.stderr
    there = run(Channel(client, fabric, ["ls", "-A", "/tmp"]), 10, lambda: None)
    assert (there.exit_code, there.stdout) == (0, b"")
    client.close()


def test_the_probe_agrees_and_keeps_its_facts(copies: tuple[Lab, Lab]) -> None:
    for lab in copies:
        proof = lab.isolation()
        assert proof.holds, proof.breaches
        assert set(proof.nodes) == set(lab.nodes)
        assert METADATA in proof.facts


def test_the_probe_finds_a_broken_range(range_lab: LabFactory) -> None:
    lab = range_lab(a_breakable_topology())
    assert lab.isolation().holds
    with joined_to_the_engine(lab.name, "one"):
        proof = lab.isolation()
    assert not proof.holds
    breaches = "\n".join(proof.breaches)
    assert "does not lead into the fabric" in breaches
    assert f"{METADATA} is reachable" in breaches
    assert "engine's networks bridge" in breaches
    assert not any(line.startswith("two:") for line in proof.breaches)


def test_a_trial_refuses_to_attack_a_broken_range(tmp_path: Path) -> None:
    """The range is broken between its launch and the probe: not one step runs, and it is removed."""
    settings = from_environment()
    ports = wiring.ports(settings)
    layout = resolve(a_breakable_topology(), {})
    step = {
        "id": "touch", "title": "Touch", "technique": "T1595", "from": {"role": "client"}, "target": {"role": "client"},
        "run": "touch /attacked", "effect": {"run": "test -e /attacked"},
    }  # fmt: skip
    scenario = Scenario.model_validate(
        {"schema": "jointrange.scenario/1", "name": "touch", "title": "Touch", "steps": [step], "gap": "0s"}
    )
    events: list[Event] = []
    broken = contextlib.ExitStack()

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, PhaseChanged) and event.phase == "probing":
            broken.enter_context(joined_to_the_engine("broken-trial", "two"))

    order = TrialOrder(
        id="broken-trial",
        range_id="broken-trial",
        arm="control",
        number=1,
        defended=Defended(layout, ()),
        scenario=scenario,
        ownership=Ownership(settings.instance, owners.me(), layout.name, kept=False, created=ports.clock.now()),
        evidence=tmp_path,
        workers=4,
    )
    with broken, pytest.raises(IsolationBroken) as caught:
        run_trial(order, ports, emit)
    assert "two" in str(caught.value)
    assert caught.value.hint
    assert not [event for event in events if isinstance(event, StepStarted)]
    assert "broken-trial" not in {line.range_id for line in ports.engine.survey()}
