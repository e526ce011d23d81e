"""Playbooks that mean harm, without the rules for playbooks in their way: the container and the broker alone hold them.

Most of them bring an action plugin, which is code that runs in Ansible's own process, so the most a playbook can do.
What it finds comes back as the result of its task.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from range import catalogue
from range.clock import SystemClock
from range.engine import labels, owners
from range.engine.client import connect
from range.engine.docker import DockerEngine
from range.engine.images import DockerImages
from range.engine.jails import KIND_JAIL, PROCESSES, SCRATCH, DockerJails
from range.engine.switchboard import DockerSwitchboard
from range.errors import ProvisionFailed
from range.layout import Layout, resolve
from range.operations.deploy import deploy
from range.operations.destroy import destroy
from range.plan import Ownership, plan, teardown
from range.provisioner.ansible import IMAGE, NodeTarget, Run, play
from range.provisioner.inventory import range_variables
from range.provisioner.parcel import command
from range.provisioner.tree import read_tree
from range.tool import Tool
from range.topology import Topology

pytestmark = pytest.mark.engine

SECRET = f"secret-{uuid.uuid4().hex}"
"""In this process's environment and in a file of this machine: it must turn up nowhere else."""

SPY = """\
from ansible.plugins.action import ActionBase

CODE = {code!r}


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        scope = {{}}
        exec(CODE, scope)
        return {{"changed": False, "found": scope.get("found")}}
"""

TALK = '''
import glob, json, os, socket, struct, time

def ask(body=b"", **header):
    """One request to the broker, as the connection plugin makes it."""
    return raw(packed(body, **header))

def packed(body=b"", **header):
    said = json.dumps({"size": len(body), **header}).encode()
    return struct.pack(">I", len(said)) + said + body

def raw(data):
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(60)
        channel.connect("/tmp/broker")
        try:
            channel.sendall(data)
        except OSError:
            pass
        answer = b""
        try:
            while part := channel.recv(1 << 16):
                answer += part
        except OSError as error:
            return str(error)
        return answer[4:].decode("utf-8", "replace")

def relay():
    """The relay's process."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        words = open(path, "rb").read().split(b"\\0")
        if words[:3] == [b"python3", b"-I", b"-c"]:
            return int(path.split("/")[2])

def frame(kind, number, data=b"", length=None):
    return struct.pack(">BII", kind, number, len(data) if length is None else length) + data
'''

FORGE = 'import signal\nout = open(f"/proc/{relay()}/fd/1", "wb", buffering=0)\n'
"""The relay's own output, opened behind its back."""


@dataclass(frozen=True)
class World:
    """Two ranges of equal layout. The tool of every attack works on `a` of `lab`, and on nothing else."""

    client: docker.DockerClient
    instance: str
    engine: DockerEngine
    jails: DockerJails
    layout: Layout

    def jails_left(self) -> list[str]:
        found = self.client.containers.list(
            all=True, filters={"label": [f"{labels.INSTANCE}={self.instance}", f"{labels.KIND}={KIND_JAIL}"]}
        )
        return [str(one.name) for one in found]

    def opt(self, range_id: str, node: str) -> list[str]:
        return self.engine.exec(range_id, node, ["ls", "/opt"]).text.split()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    instance = f"test{uuid.uuid4().hex[:8]}"
    client, clock = connect(), SystemClock()
    engine = DockerEngine(client, instance, clock)
    switchboard = DockerSwitchboard(engine)
    cache = tmp_path_factory.mktemp("cache")
    folder = catalogue.root() / "topologies" / "images"
    images = DockerImages(client, folder, cache, instance=instance, owner=owners.me())
    images.ensure_all(["jointrange/base", "jointrange/fabric", IMAGE], print)
    topology = {
        "schema": "jointrange.topology/1",
        "name": "pair",
        "networks": {"lan": {"cidr": "192.0.2.0/24"}},
        "defaults": {"image": "jointrange/base", "networks": ["lan"]},
        "nodes": {"a": {}, "b": {}},
    }
    layout = resolve(Topology.model_validate(topology), {})
    maker = Ownership(instance, owners.me(), "pair", kept=False, created=time.time())
    try:
        for name in ("lab", "other"):
            deploy(plan(name, layout, engine.observe(name)), maker, engine, switchboard, lambda event: None)
        yield World(client, instance, engine, DockerJails(client, instance, owners.me()), layout)
    finally:
        for there in engine.survey():
            destroy(teardown(there), engine, lambda event: None)
        client.close()


@pytest.fixture
def world(made: World) -> Iterator[World]:
    """The world, which must be as it was when the test is over, but for what it did on the tool's own node."""
    before = sorted(str(one.id) for one in made.client.containers.list(all=True, filters=_ours(made)))
    os.environ["JOINTRANGE_TEST_SECRET"] = SECRET
    try:
        yield made
    finally:
        del os.environ["JOINTRANGE_TEST_SECRET"]
        left = made.jails_left()
        made.jails.sweep_jails(everything=True)
    assert left == []
    assert sorted(str(one.id) for one in made.client.containers.list(all=True, filters=_ours(made))) == before
    for range_id, node in (("lab", "b"), ("other", "a"), ("other", "b")):
        assert made.opt(range_id, node) == [], f"{node} of {range_id} was touched"
    made.engine.exec("lab", "a", ["sh", "-c", "rm -rf /opt/*"])


def _ours(made: World) -> dict[str, list[str]]:
    return {"label": [f"{labels.INSTANCE}={made.instance}"]}


@dataclass(frozen=True)
class Outcome:
    """What came of a playbook."""

    error: ProvisionFailed | None
    output: str
    events: tuple[Mapping[str, Any], ...]
    seconds: float

    @property
    def found(self) -> Any:
        """What the spy brought back."""
        results = [event["res"] for event in self.events if "res" in event]
        found = [result["found"] for result in results if "found" in result]
        assert found, f"{self.error}\n{self.output[-3000:]}"
        return found[-1]


def run(
    world: World,
    tmp_path: Path,
    tasks: str,
    files: Mapping[str, str] | None = None,
    *,
    seconds: float = 120,
    stop: threading.Event | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Play the tasks against node `a` of `lab`; nobody checks them before."""
    folder = tmp_path / "tool"
    folder.mkdir(parents=True, exist_ok=True)
    body = textwrap.indent(textwrap.dedent(tasks), "    ")
    (folder / "configure.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{body}\n")
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    tool = Tool.model_validate(
        {"schema": "jointrange.tool/1", "name": "hostile", "title": "Hostile", "place": {"on": {"role": "any"}}}
    )
    made = Run(
        tool=tool,
        folder=folder,
        playbook="configure.yml",
        hosts={"a": {"node_name": "a"}},
        variables=range_variables("lab", world.layout, tool),
        targets={"a": NodeTarget(world.engine, "lab", "a")},
        evidence=tmp_path / "evidence",
        seconds=seconds,
    )
    error, start = None, time.monotonic()
    try:
        play(
            made, read_tree(folder), 4, stop or threading.Event(), progress,
            lambda: world.jails.start_jail(IMAGE, command(), f"hostile-{uuid.uuid4().hex[:8]}"),
        )  # fmt: skip
    except ProvisionFailed as caught:
        error = caught
    events = (made.evidence / "events.jsonl").read_text().splitlines()
    output = (made.evidence / "output.txt").read_text()
    assert SECRET not in output + "".join(events) + str(error)
    return Outcome(error, output, tuple(json.loads(line) for line in events), time.monotonic() - start)


def spy(world: World, tmp_path: Path, code: str, **options: Any) -> Outcome:
    """Run code in Ansible's own process."""
    files = {"action_plugins/spy.py": SPY.format(code=TALK + textwrap.dedent(code))}
    return run(world, tmp_path, "- spy: {}\n", files, **options)


def test_a_good_playbook_does_its_work(world: World, tmp_path: Path) -> None:
    tasks = """\
        - ansible.builtin.template: {src: known.j2, dest: /opt/known}
        - ansible.builtin.copy: {src: files/big, dest: /opt/big}
        - ansible.builtin.script: files/show
          register: shown
        - ansible.builtin.setup: {gather_subset: "!all,!min,network"}
        - ansible.builtin.lineinfile: {path: /opt/known, line: "{{ shown.stdout | trim }}"}
    """
    big = "x" * (3 << 20)
    files = {"known.j2": "{{ range_id }}\n", "files/big": big, "files/show": "#!/bin/sh\nhostname\n"}
    said: list[str] = []
    outcome = run(world, tmp_path, tasks, files, progress=said.append)
    assert outcome.error is None
    assert world.engine.exec("lab", "a", ["cat", "/opt/known"]).text == "lab\na\n"
    assert world.engine.exec("lab", "a", ["wc", "-c", "/opt/big"]).text.split()[0] == str(len(big))
    assert [line.partition(":")[0] for line in said] == ["hostile"] * 5


WAYS = """\
- {name: delegated, ansible.builtin.command: touch MARKS/1, delegate_to: localhost, ignore_errors: true,
   ignore_unreachable: true}
- {name: elsewhere, ansible.builtin.command: touch MARKS/2, delegate_to: 127.0.0.1, connection: local,
   ignore_unreachable: true}
- {name: local, ansible.builtin.command: hostname, connection: local}
- {name: action, local_action: command touch MARKS/3, ignore_unreachable: true}
- {name: variable, ansible.builtin.command: hostname, vars: {ansible_connection: local}}
- {name: other host, ansible.builtin.add_host: {name: b, ansible_connection: local}}
- {name: neighbour, ansible.builtin.command: touch /opt/x, delegate_to: b, ignore_unreachable: true}
- {name: pipe, ansible.builtin.debug: {msg: "pipe={{ lookup('pipe', 'touch MARKS/4; hostname') }}"},
   ignore_errors: true}
- {name: shadow, ansible.builtin.debug: {msg: "{{ lookup('file', '/etc/shadow') }}"},
   ignore_errors: true}
- {name: file, ansible.builtin.debug: {msg: "{{ lookup('file', 'THE_SECRET') }}"}, ignore_errors: true}
- {name: env, ansible.builtin.debug: {msg: "env={{ lookup('env', 'JOINTRANGE_TEST_SECRET') }}."}}
- {name: copy, ansible.builtin.copy: {src: THE_SECRET, dest: /opt/stolen}, ignore_errors: true}
- {name: linked, ansible.builtin.copy: {src: files/leak, dest: /opt/linked}, ignore_errors: true}
- {name: linked folder, ansible.builtin.copy: {src: files/leaks/, dest: /opt/leaks}, ignore_errors: true}
- {name: vars, ansible.builtin.include_vars: {file: {secret}}, ignore_errors: true}
- {name: fetch, ansible.builtin.fetch: {src: /etc/hostname, dest: MARKS/5, flat: true},
   ignore_errors: true}
- {name: the end, ansible.builtin.debug: {msg: all was tried}}
"""
"""Every way we know in which a playbook acts on the machine that runs Ansible, or reads it."""


def test_no_word_of_a_playbook_reaches_this_machine(world: World, tmp_path: Path) -> None:
    """The ways of DESIGN's list: each is tried, and its mark appears nowhere here."""
    marks = tmp_path / "marks"
    marks.mkdir(mode=0o777)
    marks.chmod(0o777)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    here = socket.gethostname()
    tasks = WAYS.replace("MARKS", str(marks)).replace("THE_SECRET", str(secret))
    folder = tmp_path / "tool" / "files"
    folder.mkdir(parents=True)
    (folder / "leak").symlink_to(secret)
    (folder / "leaks").symlink_to(tmp_path)
    host_vars = {
        f"{kind}_vars/{name}.yml": "ansible_connection: local\n" for kind, name in (("host", "a"), ("group", "all"))
    }
    outcome = run(world, tmp_path, tasks, host_vars)
    assert "all was tried" in outcome.output, outcome.output
    assert list(marks.iterdir()) == []
    assert outcome.output.count("localhost is not a host of this playbook") >= 2
    assert "127.0.0.1 is not a host of this playbook" in outcome.output
    assert "b is not a host of this playbook" in outcome.output
    answers = {event["task"]: event["res"] for event in outcome.events if "res" in event}
    assert [answers[task]["stdout"] for task in ("local", "variable")] == ["a", "a"], "they go to the node"
    assert "pipe=jail" in outcome.output, "a pipe runs in the jail"
    assert here not in outcome.output
    assert "env=." in outcome.output
    failed = {event["task"] for event in outcome.events if event["event"] == "runner_on_failed"}
    assert {"pipe", "shadow", "file", "copy", "linked", "vars"} - failed == {"pipe"}, "only the pipe had an answer"
    assert "stolen" not in world.opt("lab", "a")
    assert SECRET not in world.engine.exec("lab", "a", ["sh", "-c", "cat /opt/* /opt/*/* 2>/dev/null"]).text


LOOK = """
import ctypes, os, pwd, subprocess
libc = ctypes.CDLL(None, use_errno=True)
environments = b""
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/task/[0-9]*/environ"):
    try:
        environments += open(path, "rb").read()
    except OSError:
        pass

def refused(call, *words):
    ctypes.set_errno(0)
    return call(*words) == -1 and ctypes.get_errno() in (1, 12, 13, 22, 28, 38)

def writable(path):
    try:
        open(path, "w").close()
        return True
    except OSError:
        return False

found = {
    "environments": environments.decode("latin-1"),
    "uid": [os.getuid(), os.geteuid(), os.getgid()],
    "status": open("/proc/self/status").read(),
    "mounts": [line.split()[1:3] for line in open("/proc/mounts")],
    "interfaces": os.listdir("/sys/class/net"),
    "unix": open("/proc/net/unix").read(),
    "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd")
                if os.path.exists(path)],
    "dns": open("/etc/resolv.conf").read(),
    "hosts": open("/etc/hosts").read(),
    "pids": [int(name) for name in os.listdir("/proc") if name.isdigit()],
    "writable": [path for path in ("/x", "/etc/passwd", "/usr/x", "/var/tmp/x", "/root/x", "/sys/fs/cgroup/x",
                                   "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger") if writable(path)],
    "mount": refused(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None),
    "users": refused(libc.unshare, 0x10000000),
    "network": refused(libc.unshare, 0x40000000),
    "root": refused(libc.setuid, 0),
    "device": refused(libc.mknod, b"/tmp/disk", 0o60666, 0x800),
    "suid": subprocess.run(["su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL).returncode != 0,
}
"""


def test_there_is_nothing_of_this_machine_inside(world: World, tmp_path: Path) -> None:
    looked: list[Mapping[str, Any]] = []

    def look(line: str) -> None:
        (jail,) = world.jails_left()
        looked.append(world.client.api.inspect_container(jail))

    outcome = spy(world, tmp_path, LOOK, progress=look)
    assert outcome.error is None
    found = outcome.found
    assert "JOINTRANGE_TEST_SECRET" not in found["environments"]
    assert "JOINTRANGE_BROKER" in found["environments"], "it did look"
    theirs = dict(word.partition("=")[::2] for word in found["environments"].split("\0"))
    same = {name for name, value in os.environ.items() if theirs.get(name) == value}
    assert same <= {"LANG", "LC_ALL", "PATH", "PYTHONWARNINGS"}
    assert found["uid"] == [65534, 65534, 65534]
    status = dict(line.split(":\t", 1) for line in found["status"].splitlines() if ":\t" in line)
    assert [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == ["0" * 16] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert found["interfaces"] == ["lo"]
    assert found["sockets"] == []
    assert "docker" not in found["unix"]
    assert "nameserver 127.0.0.1" in found["dns"]
    assert found["writable"] == []
    assert all(found[what] for what in ("mount", "users", "network", "root", "device", "suid"))
    known = {"overlay", "proc", "tmpfs", "devpts", "sysfs", "cgroup", "cgroup2", "mqueue"}
    mounted = {Path(where).name for where, kind in found["mounts"] if kind not in known}
    assert mounted <= {"resolv.conf", "hostname", "hosts", "docker-init"}, "the engine's own files alone"
    assert len(found["pids"]) < 40, "only its own processes"
    (seen,) = looked
    assert seen["Mounts"] == []
    assert list(seen["NetworkSettings"]["Networks"]) == ["none"]
    assert seen["HostConfig"]["Binds"] is None
    assert seen["Config"]["Labels"][labels.OWNER] == owners.me()
    assert SECRET not in json.dumps(seen)


def test_it_reaches_no_address(world: World, tmp_path: Path) -> None:
    """A listener of this machine on every address stays silent, TCP and UDP; names have no answer."""
    bridges = [
        str(one["Gateway"])
        for network in world.client.api.networks()
        for one in (network["IPAM"].get("Config") or [])
        if one.get("Gateway")
    ]
    assert bridges, "an engine without a bridge proves nothing"
    with socket.socket() as door, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        door.bind(("0.0.0.0", 0))
        door.listen()
        box.bind(("0.0.0.0", 0))
        for quiet in (door, box):
            quiet.setblocking(False)
        targets = ["127.0.0.1", *bridges, "169.254.169.254", "192.0.2.1", "192.0.2.2", "1.1.1.1"]
        code = f"""
            found = {{"tcp": [], "udp": [], "names": []}}
            for address in {targets!r}:
                for port in ({door.getsockname()[1]}, 22, 53, 80, 2375):
                    with socket.socket() as one:
                        one.settimeout(2)
                        if one.connect_ex((address, port)) == 0:
                            found["tcp"].append([address, port])
                try:
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                        one.sendto(b"hello", (address, {box.getsockname()[1]}))
                        found["udp"].append(address)
                except OSError:
                    pass
            for name in ("example.org", "host.docker.internal", {socket.gethostname()!r}, "metadata.google.internal"):
                try:
                    found["names"].append(socket.getaddrinfo(name, 80))
                except OSError:
                    pass
            try:
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                found["tcp"].append("raw")
            except OSError:
                pass
        """
        outcome = spy(world, tmp_path, code)
        assert outcome.error is None
        assert outcome.found == {"tcp": [], "udp": ["127.0.0.1"], "names": []}, "its own loopback alone"
        with pytest.raises(BlockingIOError):
            door.accept()
        with pytest.raises(BlockingIOError):
            box.recv(10)


BY_HAND = """
touch = "touch /opt/touched"
found = {"names": [ask(op="exec", host=name, command=touch) for name in NAMES]}
found["replayed"] = [
    ask(op="exec", host="b", token="0" * 64, command=touch),
    ask(op="exec", host="a", range="other", range_id="other", token="0" * 64, command="cat /etc/hostname"),
    ask(op="put", host="b", path="/opt/put"),
    ask(op="fetch", host="b", path="/etc/passwd"),
]
found["operations"] = [
    ask(op=op, host="a", command=touch) for op in ("shell", "apply", None, 7, ["exec"], "__class__", "_do")
] + [ask(host="a"), ask(op="exec", host="a"), ask(op="put", host="a", path=None), ask(op="fetch", host="a")]
found["malformed"] = [
    raw(struct.pack(">I", 1 << 31)),
    raw(struct.pack(">I", 0)),
    raw(struct.pack(">I", 5) + b"hello"),
    raw(struct.pack(">I", 2) + b"[]"),
    raw(struct.pack(">I", 60000) + b"[" * 60000),
    raw(packed(size=-1)),
    raw(packed(size=1 << 40)),
    raw(packed(size="9")),
    raw(packed(op="put", host="a", path="/opt/huge", size=(256 << 20) + 1)),
]
half, refused = [], 0
for number in range(150):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(10)
    try:
        one.connect("/tmp/broker")
        one.sendall(packed(op="exec", host="a", command="touch /opt/half", size=100))
        half.append(one)
    except OSError:
        refused += 1
for one in half:
    one.close()
found["crowd"] = len(half)
found["last"] = ""
for _ in range(50):
    try:
        found["last"] = ask(op="exec", host="a", command="cat /etc/hostname")
        break
    except OSError:
        time.sleep(0.2)
"""
"""Requests that the connection plugin would never make."""


def test_the_broker_serves_its_own_node_and_nobody_else(world: World, tmp_path: Path) -> None:
    names = ["b", "other", "other/a", "lab/b", "../a", "A", "a ", "", "fabric", "localhost", None, 1, ["a"], {"a": 1}]
    for range_id in ("lab", "other"):
        for one in world.engine.containers.list(range=range_id, kind="node"):
            names += [str(one["Id"]), str(one["Id"])[:12], str(one["Names"][0]).lstrip("/")]
    code = BY_HAND.replace("NAMES", repr(names))
    outcome = spy(world, tmp_path, code)
    assert outcome.error is None, outcome.output
    found = outcome.found
    assert all("is not a host of this playbook" in answer for answer in found["names"])
    assert len(found["names"]) == len(names)
    replayed = found["replayed"]
    assert all("is not a host of this playbook" in replayed[at] for at in (0, 2, 3))
    assert replayed[1].endswith("a\n"), "words about another range change nothing"
    assert all("error" in answer for answer in found["operations"]), found["operations"]
    assert all("this is no request" in answer for answer in found["malformed"]), found["malformed"]
    assert found["crowd"] > 50
    assert found["last"].endswith("a\n"), "and after all that it still serves"
    assert world.opt("lab", "a") == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("out.write(frame(9, 1))", "no such kind of frame"),
        ("while True: out.write(frame(2, 0, b'{\"event\": \"x\"}\\n' * 4000))", "more than 50000 events"),
        ("while True: out.write(frame(2, 0, b'x' * 60000))", "more than 64 MiB"),
        ("while True: out.write(frame(4, 1) * 1000)", "more than 200000 frames"),
        ("out.write(b''.join(frame(3, number, b'y') for number in range(1000)))", "more than 256 connections at once"),
        (
            "for number in range(1, 9): out.write(frame(3, number, packed(size=256 << 20)))\n"
            "while True:\n for number in range(1, 9): out.write(frame(3, number, b'z' * 65536))",
            "more than 512 MiB at once",
        ),
        ("os.kill(relay(), 9)", "without a result"),
    ],
)  # fmt: skip
def test_a_forged_relay_ends_the_run_and_nothing_else(world: World, tmp_path: Path, code: str, said: str) -> None:
    """Written into the relay's own output, behind its back."""
    outcome = spy(world, tmp_path, f"{FORGE}{code}\nsignal.pause()")
    assert outcome.error is not None
    assert said in str(outcome.error), str(outcome.error)
    assert outcome.seconds < 90
    assert world.jails_left() == []


def test_forged_events_write_no_file_and_run_nothing(world: World, tmp_path: Path) -> None:
    """ansible-runner's own reader would write where an event says and unpack what comes; ours does neither."""
    mark = tmp_path / "forged"
    events = [
        {"event": "x", "uuid": f"/../../../../../../../..{mark}", "counter": "../" * 9, "event_data": {"a": 1}},
        {"event": "runner_on_failed", "event_data": ["no", "mapping"]},
        {"event": "playbook_on_task_start", "event_data": {"task": "\x1b]0;owned\x07" + "long " * 999}},
        {"event": "runner_on_failed", "event_data": {"host": {"x": 1}, "task": 7, "res": "\x1b[2Jtext"}},
        {"zipfile": 10**12},
        {"status": ["failed"]},
        {"status": "failed"},
    ]
    said: list[str] = []
    lines = "".join(json.dumps(event) + "\n" for event in events)
    code = f"{FORGE}out.write(frame(2, 0, {lines.encode()!r}))\nsignal.pause()"
    outcome = spy(world, tmp_path, code, progress=said.append)
    assert outcome.error is not None
    assert "failed on" in str(outcome.error)
    assert not mark.exists()
    assert not [one for one in (str(outcome.error), *said) if "\x1b" in one or "\x07" in one]
    assert max(map(len, said)) < 300
    assert sorted(path.name for path in (tmp_path / "evidence").iterdir()) == ["events.jsonl", "output.txt"]


def test_it_exhausts_itself_only(world: World, tmp_path: Path) -> None:
    """Processes, the disk, memory: there is a little of each, and it is gone with the container."""
    free = shutil.disk_usage("/var/lib/docker" if Path("/var/lib/docker").exists() else "/").free
    forks = """
        import os, signal, time
        count = 0
        try:
            while count < 5000:
                if os.fork() == 0:
                    signal.pause()
                count += 1
        except OSError:
            pass
        found = count
        for path in glob.glob("/proc/[0-9]*/stat"):
            pid = int(path.split("/")[2])
            if open(path).read().rpartition(")")[2].split()[1] == str(os.getpid()):
                os.kill(pid, 9)
                os.waitpid(pid, 0)
    """
    outcome = spy(world, tmp_path / "forks", forks)
    assert 0 < outcome.found < PROCESSES
    disk = """
        import os
        size = 0
        with open("/tmp/fill", "wb", buffering=0) as file:
            try:
                while size < 4 << 30:
                    size += file.write(bytes(1 << 20))
            except OSError as error:
                why = error.errno
        os.remove("/tmp/fill")
        found = [size, why]
    """
    outcome = spy(world, tmp_path / "disk", disk)
    size, why = outcome.found
    assert why == 28
    assert size <= SCRATCH
    outcome = spy(world, tmp_path / "memory", "held = []\nwhile True: held.append(bytearray(os.urandom(1 << 20)) * 16)")
    assert outcome.error is not None
    now = shutil.disk_usage("/var/lib/docker" if Path("/var/lib/docker").exists() else "/").free
    assert free - now < SCRATCH, "the disk of this machine was not what was filled"


def test_endless_output_and_endless_work_have_an_end(world: World, tmp_path: Path) -> None:
    printing = "import sys\nwhile True: os.write(1, b'x' * 4000 + b'\\n')"
    outcome = spy(world, tmp_path / "printing", printing, seconds=8)
    assert outcome.error is not None
    assert "did not end within 8 s" in str(outcome.error) or "printed more" in str(outcome.error)
    assert outcome.seconds < 60
    assert (tmp_path / "printing" / "evidence" / "output.txt").stat().st_size <= 64 << 20


def test_stop_ends_it_at_once_whatever_it_does(world: World, tmp_path: Path) -> None:
    stop, since = threading.Event(), list[float]()

    def progress(line: str) -> None:
        since.append(time.monotonic())
        stop.set()

    deaf = """
        import signal
        for one in range(1, 32):
            if one not in (9, 19):
                signal.signal(one, signal.SIG_IGN)
        while True:
            pass
    """
    outcome = spy(world, tmp_path, deaf, stop=stop, progress=progress)
    assert "was stopped in task" in str(outcome.error)
    assert time.monotonic() - since[0] < 15


def test_nothing_outlives_its_run(world: World, tmp_path: Path) -> None:
    """A process that left its session, deaf to every signal, and writes on the node as long as it can."""
    code = """
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for one in range(1, 32):
                    if one not in (9, 19):
                        signal.signal(one, signal.SIG_IGN)
                while True:
                    ask(op="exec", host="a", command="echo alive >> /opt/alive")
            os._exit(0)
        os.wait()
        for _ in range(600):
            if "alive" in ask(op="exec", host="a", command="cat /opt/alive"):
                break
            time.sleep(0.1)
        found = "started"
    """
    outcome = spy(world, tmp_path, code)
    assert outcome.error is None
    assert outcome.found == "started"
    assert world.jails_left() == []
    counts = [world.engine.exec("lab", "a", ["sh", "-c", "sleep 1; wc -l < /opt/alive"]).text for _ in range(2)]
    assert counts[0] == counts[1] != ""


def test_several_at_once_keep_apart(world: World, tmp_path: Path) -> None:
    """Three hostile runs at the same time: each sees its own processes and its own files."""
    code = """
        open("/tmp/mine", "x").close()
        found = [sorted(os.listdir("/tmp")), relay(), len(glob.glob("/proc/[0-9]*"))]
    """
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda at=at: outcomes.append(spy(world, tmp_path / str(at), code)))  # type: ignore[misc]
        for at in range(3)
    ]
    for at, thread in enumerate(threads):
        (tmp_path / str(at)).mkdir()
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 3
    for outcome in outcomes:
        names, _, processes = outcome.found
        assert "mine" in names
        assert processes < 40
    with contextlib.suppress(FileNotFoundError):
        assert not Path("/tmp/mine").exists()
