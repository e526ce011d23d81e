"""Playbooks that mean harm, without the rules for playbooks in their way: the container and the broker alone hold them.

First every word of a playbook that acts on the machine that runs Ansible, or reads it. Then action plugins, which are
code that runs in Ansible's own process, so the most a playbook can do; what they find comes back as the result of
their task. Each attempt proves that it was made: by its result, or by what was said of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from range import catalogue
from range.engine import labels, owners
from range.engine.images import DockerImages
from range.engine.jails import PROCESSES, SCRATCH
from range.engine.switchboard import DockerSwitchboard, gateway_of
from range.operations.deploy import deploy
from range.operations.destroy import destroy
from range.plan import Ownership, plan, teardown
from range.provisioner.ansible import IMAGE
from tests.engine.hostile import FORGE, SECRET, Outcome, World, a_world, run, spy

pytestmark = [pytest.mark.engine, pytest.mark.beside]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = a_world(f"test{uuid.uuid4().hex[:8]}")
    folder = catalogue.root() / "topologies" / "images"
    cache = tmp_path_factory.mktemp("cache")
    images = DockerImages(world.client, folder, cache, instance=world.instance, owner=owners.me())
    images.ensure_all(["jointrange/base", "jointrange/fabric", IMAGE], print)
    maker = Ownership(world.instance, owners.me(), "pair", kept=False, created=time.time())
    board = DockerSwitchboard(world.engine)
    try:
        for name in ("lab", "other"):
            there = world.engine.observe(name)
            deploy(plan(name, world.layout, there), maker, world.engine, board, lambda event: None)
        yield world
    finally:
        for there in world.engine.survey():
            destroy(teardown(there), world.engine, lambda event: None)
        world.client.close()


@pytest.fixture
def world(made: World) -> Iterator[World]:
    """The world, which must be as it was when the test is over, but for what it did on the tool's own node."""
    before = made.ours()
    os.environ["JOINTRANGE_TEST_SECRET"] = SECRET
    try:
        yield made
    finally:
        del os.environ["JOINTRANGE_TEST_SECRET"]
        left = made.jails_left()
        made.jails.sweep_jails(everything=True)
    assert left == []
    assert made.ours() == before
    for range_id, node in (("lab", "b"), ("other", "a"), ("other", "b")):
        assert made.opt(range_id, node) == [], f"{node} of {range_id} was touched"
    made.engine.exec("lab", "a", ["sh", "-c", "rm -rf /opt/* /opt/.[!.]*"])


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


NOT_A_HOST = "is not a host of this playbook"
ON_THE_NODE = '"stdout": "a"'
NOT_THERE = ("Could not find or access", "could not locate file", "Unable to find", "No such file", "not found")

ATTEMPTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    # Tasks that name another place: there is no way to it.
    ("delegate", "command: touch MARKS/1, delegate_to: localhost", "unreachable", ("localhost " + NOT_A_HOST,)),
    ("delegate, local", "command: touch MARKS/2, delegate_to: 127.0.0.1, connection: local", "unreachable",
     ("127.0.0.1 " + NOT_A_HOST,)),
    ("delegate, made up", "command: touch MARKS/3, delegate_to: \"{{ 'local' ~ 'host' }}\"", "unreachable",
     ("localhost " + NOT_A_HOST,)),
    ("delegate, facts", "setup: , delegate_to: localhost, delegate_facts: true", "unreachable",
     ("localhost " + NOT_A_HOST,)),
    ("delegate, file", "copy: {content: x, dest: MARKS/4}, delegate_to: localhost", "unreachable",
     ("localhost " + NOT_A_HOST,)),
    ("local action", "local_action: command touch MARKS/5", "unreachable", ("localhost " + NOT_A_HOST,)),
    ("run once", "local_action: {module: shell, _raw_params: touch MARKS/6}, run_once: true", "unreachable",
     ("localhost " + NOT_A_HOST,)),
    ("neighbour", "command: touch /opt/x, delegate_to: b", "unreachable", ("b " + NOT_A_HOST,)),
    ("neighbour's address", "command: touch /opt/x, vars: {ansible_host: b}", "unreachable", ("b " + NOT_A_HOST,)),
    ("other range", "command: touch /opt/x, delegate_to: OTHER", "unreachable", ("OTHER " + NOT_A_HOST,)),
    ("other range's address", "command: touch /opt/x, vars: {ansible_host: OTHER, ansible_connection: docker}",
     "unreachable", ("OTHER " + NOT_A_HOST,)),
    ("engine's host", "uri: {url: 'http://GATEWAY:PORT/'}, delegate_to: GATEWAY", "unreachable",
     ("GATEWAY " + NOT_A_HOST,)),
    # Tasks that ask for another connection: they go to the node all the same.
    *((f"connection {kind}", f"command: hostname, connection: {kind}", "ok", (ON_THE_NODE,))
      for kind in ("local", "ssh")),
    *((f"variable {kind}", f"command: hostname, vars: {{ansible_connection: {kind}}}", "ok", (ON_THE_NODE,))
      for kind in ("local", "docker", "community.docker.docker_api")),
    ("fact", "set_fact: {ansible_connection: local, ansible_become: true, ansible_become_method: sudo}", "ok", ()),
    ("after the fact", "command: hostname", "ok", (ON_THE_NODE,)),
    ("become", "command: hostname, become: true, become_method: su, become_user: nobody", "ok", (ON_THE_NODE,)),
    ("interpreter", "command: hostname, vars: {ansible_python_interpreter: MARKS/python}", "ok", (ON_THE_NODE,)),
    ("raw", "raw: hostname, connection: local", "ok", ('"stdout": "a\\n"',)),
    ("late host", "add_host: {name: b, ansible_connection: local}", "ok", ("add_host",)),
    # What Ansible does itself, it does in the jail.
    ("pipe", "debug: {msg: \"by={{ lookup('pipe', 'hostname; id -un; touch /tmp/was-here') }}\"}", "ok",
     ("by=jail\\nnobody",)),
    ("pipe, mark", "debug: {msg: \"{{ lookup('pipe', 'touch MARKS/7') }}\"}", "failed", ("touch MARKS/7",)),
    ("pipe, engine", "debug: {msg: \"{{ lookup('pipe', 'ls /var/run/docker.sock /run/docker.sock') }}\"}", "failed",
     ("docker.sock",)),
    ("lines", "debug: {msg: 'line={{ item }}'}, with_lines: [hostname]", "ok", ("line=jail",)),
    ("environment", "debug: {msg: \"env={{ lookup('env', 'JOINTRANGE_TEST_SECRET') }}={{ lookup('env', 'HOME') }}\"}",
     "ok", ("env==/tmp/home",)),
    ("its process", "debug: {msg: \"{{ lookup('file', '/proc/self/environ') }}\"}", "ok", ("JOINTRANGE_BROKER",)),
    ("first process", "debug: {msg: \"{{ lookup('pipe', 'tr -d [:cntrl:] </proc/1/cmdline') }}\"}", "ok", ("init",)),
    ("shadow", "debug: {msg: \"{{ lookup('file', '/etc/shadow') }}\"}", "failed", ("/etc/shadow",)),
    ("file", "debug: {msg: \"{{ lookup('file', 'THE_SECRET') }}\"}", "failed", NOT_THERE),
    ("files", "debug: {msg: \"found={{ query('fileglob', 'FOLDER/*', '/root/*', '/run/*.sock') }}\"}", "ok",
     ("found=[]",)),
    ("password", "debug: {msg: \"{{ lookup('password', 'MARKS/8') }}\"}", "failed", ("Read-only file system", "MARKS")),
    ("address", "debug: {msg: \"{{ lookup('url', 'http://GATEWAY:PORT/') }}\"}", "failed", ("unreachable",)),
    ("unvault", "debug: {msg: \"{{ lookup('unvault', 'THE_SECRET') }}\"}", "failed", NOT_THERE),
    ("copy", "copy: {src: THE_SECRET, dest: /opt/stolen}", "failed", NOT_THERE),
    ("link", "copy: {src: files/leak, dest: /opt/linked}", "failed", NOT_THERE),
    ("linked folder", "copy: {src: files/leaks/, dest: /opt/leaks}", "failed", NOT_THERE),
    ("template", "template: {src: THE_SECRET, dest: /opt/stolen}", "failed", NOT_THERE),
    ("script", "script: THE_SECRET", "failed", NOT_THERE),
    ("unarchive", "unarchive: {src: THE_SECRET, dest: /opt}", "failed", NOT_THERE),
    ("assemble", "assemble: {src: FOLDER, dest: /opt/stolen, remote_src: false}", "failed", NOT_THERE),
    ("variables", "include_vars: {file: THE_SECRET}", "failed", NOT_THERE),
    # What a node gives back stays in the jail, whatever it is called and whatever it is.
    ("tricks", "shell: 'cd /opt && ln -s /etc/hostname link && ln -s MARKS out && tar -cf evil.tar out && "
     "tar -P -rf evil.tar --transform s,^etc/hostname,MARKS/9, -C / etc/hostname && tar -P -rf evil.tar "
     "--transform s,^etc/hostname,../../../../../..MARKS/10, -C / etc/hostname && tar -Ptf evil.tar'", "ok",
     ("MARKS/9", "..MARKS/10")),
    ("fetch", "fetch: {src: /etc/hostname, dest: MARKS/11, flat: true}", "failed", ("Read-only file system", "MARKS")),
    ("fetch, dots", "fetch: {src: /etc/hostname, dest: '../../../../../../..MARKS/12', flat: true}", "failed",
     ("Read-only file system", "MARKS")),
    ("fetch, link", "fetch: {src: /opt/link, dest: /tmp/link, flat: true}", "ok", ("/tmp/link",)),
    ("fetched", "debug: {msg: \"{{ lookup('pipe', 'stat -c %F /tmp/link; cat /tmp/link') }}\"}", "ok",
     ("regular file\\na",)),
    ("fetch, archive", "fetch: {src: /opt/evil.tar, dest: /tmp/evil.tar, flat: true}", "ok", ("/tmp/evil.tar",)),
    ("unpack", "debug: {msg: \"{{ lookup('pipe', 'tar -P -xvf /tmp/evil.tar 2>&1; true') }}\"}", "ok",
     ("MARKS/9: Cannot open", "..MARKS/10: Cannot open")),
    ("artifacts", "debug: {msg: \"{{ lookup('pipe', 'cd /tmp/run/artifacts/run && ln -s THE_SECRET leak && "
     "ln -s MARKS/13 stdout; ln -s THE_SECRET job_events/1-x.json; ls') }}\"}", "ok", ("leak", "job_events")),
)  # fmt: skip
"""Name, task, how it must end, and words of its result, of which one (after a failure) or all (else) must be there."""

AFTERWARDS = """
- {name: a host of its own, hosts: b, gather_facts: false, ignore_unreachable: true, tasks: [
    {name: late, command: touch /opt/x}]}
- {name: this machine, hosts: localhost, connection: local, gather_facts: false, ignore_unreachable: true, tasks: [
    {name: implicit, command: touch MARKS/14}]}
- {name: the end, hosts: a, gather_facts: false, tasks: [
    {name: the end, debug: {msg: all was tried}},
    {name: included, include_tasks: THE_SECRET}]}
"""
"""Plays after the attempts."""


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that everybody may write to, where the jail can write nothing: it has a /tmp of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_no_word_of_a_playbook_reaches_this_machine_or_another_node(
    world: World, tmp_path: Path, outside: Path
) -> None:
    """Each is tried and says so; no mark of one appears here, and none of them reads what only this machine has."""
    marks, secret, files = outside / "marks", outside / "secret", tmp_path / "tool" / "files"
    marks.mkdir()
    marks.chmod(0o777)
    secret.write_text(SECRET)
    files.mkdir(parents=True)
    (files / "leak").symlink_to(secret)
    (files / "leaks").symlink_to(outside)
    other = str(next(one for one in world.engine.containers.list(range="other", kind="node"))["Names"][0]).lstrip("/")
    with socket.socket() as door:
        door.bind(("0.0.0.0", 0))
        door.listen()
        door.setblocking(False)
        meant = {"MARKS": marks, "THE_SECRET": secret, "FOLDER": outside, "OTHER": other,
                 "GATEWAY": gateways(world)[0], "PORT": door.getsockname()[1]}  # fmt: skip
        given = {
            f"{kind}_vars/{name}.yml": "ansible_connection: local\nansible_host: localhost\n"
            for kind, name in (("host", "a"), ("host", "b"), ("group", "all"))
        }
        tasks = "".join(f'    - {{name: "{name}", {task}}}\n' for name, task, _, _ in ATTEMPTS)
        tasks = f"- ignore_errors: true\n  ignore_unreachable: true\n  block:\n{tasks}"
        outcome = run(world, tmp_path, filled(tasks, meant), given, more=filled(AFTERWARDS, meant))
        with pytest.raises(BlockingIOError):
            door.accept()
    assert "all was tried" in outcome.output, outcome.output
    assert outcome.error is not None
    assert outcome.error.task == "included"
    assert f"Could not find or access '{secret}'" in str(outcome.error)
    for name, _, ending, words in (*ATTEMPTS, ("late", "", "unreachable", ("b " + NOT_A_HOST,)),
                                   ("implicit", "", "unreachable", ("127.0.0.1 " + NOT_A_HOST,))):  # fmt: skip
        result = outcome.only(name, ending)
        there = [filled(word, meant) in result for word in words]
        assert any(there) if ending == "failed" else all(there), f"{name}: {words} not in {result}"
    assert list(marks.iterdir()) == []
    assert socket.gethostname() not in outcome.output
    evidence = list((tmp_path / "evidence").iterdir())
    assert sorted(path.name for path in evidence) == ["events.jsonl", "output.txt"]
    assert not any(path.is_symlink() for path in evidence)
    there = world.engine.exec("lab", "a", ["sh", "-c", "ls /opt; cat /opt/* /opt/*/* 2>/dev/null"]).text
    assert not {"stolen", "linked", "leaks"} & set(there.split())
    assert SECRET not in there


def filled(text: str, meant: Mapping[str, object]) -> str:
    """The text with what its words in capitals mean."""
    for word, meaning in meant.items():
        text = text.replace(word, str(meaning))
    return text


def gateways(world: World) -> list[str]:
    """The addresses that this machine has on the engine's bridges."""
    networks = world.client.api.networks()
    found = [gateway for one in networks for each in (one["IPAM"].get("Config") or []) if (gateway := gateway_of(each))]
    assert found, "an engine without a bridge proves nothing"
    return found


LOOK = """
import ctypes, os, re, subprocess
libc = ctypes.CDLL(None, use_errno=True)
secrets, files, commands = [], 0, []
for top in ("/tmp", "/etc", "/run", "/root", "/home", "/var", "/srv", "/opt", "/mnt", "/media", "/dev/shm"):
    for folder, _, names in os.walk(top):
        for path in (f"{folder}/{name}" for name in names):
            try:
                if os.path.isfile(path):
                    content = open(path, "rb").read(1 << 20)
                    files += 1
                    secrets += re.findall(b"secret-[0-9a-f]{32}", content) and [path]
            except OSError:
                pass
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        commands.append(open(path, "rb").read().split(b"\\0")[0].decode())
    except OSError:
        pass
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
    "commands": commands,
    "secrets": secrets,
    "files": files,
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
    assert 3 < len(found["commands"]) < 40
    programs = {Path(command).name for command in found["commands"]}
    assert programs <= {"docker-init", "python3", "ansible-playbook", "ansible-runner", "ssh-agent", "sh", ""}
    assert found["files"] > 50, "it did look"
    assert found["secrets"] == []
    (seen,) = looked
    assert seen["Mounts"] == []
    assert list(seen["NetworkSettings"]["Networks"]) == ["none"]
    assert seen["HostConfig"]["Binds"] is None
    assert seen["Config"]["Labels"][labels.OWNER] == owners.me()
    assert SECRET not in json.dumps(seen)


def test_it_reaches_no_address(world: World, tmp_path: Path) -> None:
    """A listener of this machine on every address stays silent, TCP and UDP; names have no answer."""
    with socket.socket() as door, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        door.bind(("0.0.0.0", 0))
        door.listen()
        box.bind(("0.0.0.0", 0))
        for quiet in (door, box):
            quiet.setblocking(False)
        targets = ["127.0.0.1", *gateways(world), "169.254.169.254", "192.0.2.1", "192.0.2.2", "1.1.1.1"]
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
def deep(key):
    said = b'{"size": 0, "host": "a", "%s": %s}' % (key.encode(), b"[" * 900 + b"]" * 900)
    return struct.pack(">I", len(said)) + said

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
found["paths"] = [ask(b"mark", op="put", host="a", path=path) for path in PATHS]
found["deep"] = [raw(deep("host")), raw(deep("op")), raw(deep("command"))]
found["malformed"] = [
    raw(struct.pack(">I", 1 << 31)),
    raw(struct.pack(">I", 0)),
    raw(struct.pack(">I", 5) + b"hello"),
    raw(struct.pack(">I", 2) + b"[]"),
    raw(struct.pack(">I", 60000) + b"[" * 60000),
    raw(struct.pack(">I", 4 << 20) + b'{"size": 1, "x": [' + b"[]," * 9999),
    raw(struct.pack(">I", 240000) + (b'{"size": 1, "x": [' + b"[]," * 80000)[:240000]),
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


def test_the_broker_serves_its_own_node_and_nobody_else(world: World, tmp_path: Path, outside: Path) -> None:
    names = ["b", "other", "other/a", "lab/b", "../a", "A", "a ", "", "fabric", "localhost", None, 1, ["a"], {"a": 1}]
    for range_id in ("lab", "other"):
        for one in world.engine.containers.list(range=range_id, kind="node"):
            names += [str(one["Id"]), str(one["Id"])[:12], str(one["Names"][0]).lstrip("/")]
    paths = [f"{up}{outside}/mark" for up in ("", "/../../../../..", "../../../../..", "/proc/1/root", "/opt/root")]
    world.engine.exec("lab", "a", ["ln", "-s", "/proc/1/root", "/opt/root"])
    code = BY_HAND.replace("NAMES", repr(names)).replace("PATHS", repr(paths))
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
    assert "error" not in found["paths"][0], "its own node's folder of that name may be written to"
    assert world.engine.exec("lab", "a", ["cat", f"{outside}/mark"]).text == "mark"
    assert list(outside.iterdir()) == [], "a path is the node's, however it climbs"
    assert ["error" in answer for answer in found["deep"]] == [True] * 3, found["deep"]
    assert found["crowd"] > 50
    assert found["last"].endswith("a\n"), "and after all that it still serves"
    assert world.opt("lab", "a") == ["root"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("out.write(frame(9, 1))", "no such kind of frame"),
        ("while True: out.write(frame(2, 0, b'{\"event\": \"x\"}\\n' * 4000))", "more than 50000 events"),
        ("while True: out.write(frame(2, 0, b'{\"x\": \"%s\"}\\n' % (b'x' * 60000)))", "more than 64 MiB"),
        ("while True: out.write(frame(2, 0, b'x' * 60000))", "more than 4 MiB at once"),
        ("out.write(frame(2, 0, b'{\"a\": [') + frame(2, 0, b'[],' * 20000) * 11 + frame(2, 0, b'0]}\\n'))",
         "more than 200000 values"),
        ("while True: out.write(frame(4, 1) * 1000)", "more than 200000 frames"),
        ("out.write(b''.join(frame(3, number, b'y') for number in range(1000)))", "more than 256 connections at once"),
        (
            "fat = b'{\"size\": 1, \"x\": [' + b'[],' * (4 << 20)\n"
            "for number in range(1, 250):\n"
            " out.write(frame(3, number, struct.pack('>I', len(fat))) + frame(3, number, fat[:65536]) * 60)\n"
            "while True: out.write(frame(4, 1) * 1000)",
            "more than 200000 frames",
        ),
        (
            "lean = b'{\"size\": 1, \"x\": [' + b'[],' * 20000 + b'0]}'\n"
            "lean = struct.pack('>I', len(lean)) + lean\n"
            "for number in range(1, 257):\n"
            " out.write(b''.join(frame(3, number, lean[at:at + 65536]) for at in range(0, len(lean), 65536)))\n"
            "out.write(frame(3, 257, b'y'))",
            "more than 256 connections at once",
        ),
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
    here = 'ask(op="exec", host="a", command="touch /opt/forged")\n'
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = spy(world, tmp_path, f"{FORGE}{here}{code}\nsignal.pause()")
    assert outcome.error is not None
    assert said in str(outcome.error), str(outcome.error)
    assert world.opt("lab", "a") == ["forged"], "it came as far as the attack"
    assert outcome.seconds < 90
    assert world.jails_left() == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 800 << 10, "KiB, of which requests take 512 MiB"


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
    """Processes and memory: there is a little of each, and it is gone with the container."""
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
    memory = """
        held = []
        while len(held) < 256:
            held.append(bytearray(os.urandom(1 << 20)) * 16)
            if len(held) == 16:
                ask(op="exec", host="a", command="touch /opt/a-quarter")
        ask(op="exec", host="a", command="touch /opt/all")
    """
    outcome = spy(world, tmp_path / "memory", memory)
    assert outcome.error is not None
    assert world.opt("lab", "a") == ["a-quarter"], "it had some memory, and not four times what there is"


def test_it_fills_no_disk_of_this_machine(world: World, tmp_path: Path) -> None:
    """What it can write to is in memory, and counted as memory."""
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
        kinds = [line.split()[2] for line in open("/proc/mounts") if line.split()[1] == "/tmp"]
        found = [size, why, kinds]
    """
    outcome = spy(world, tmp_path, disk)
    size, why, kinds = outcome.found
    assert (why, kinds) == (28, ["tmpfs"])
    assert 0 < size <= SCRATCH


def test_endless_output_and_endless_work_have_an_end(world: World, tmp_path: Path) -> None:
    main = "out = os.open(f'/proc/{os.getppid()}/fd/1', os.O_WRONLY)"
    printing = f"{main}\nwhile True: os.write(out, b'x' * 4000 + b'\\n')"
    outcome = spy(world, tmp_path, printing, seconds=20)
    assert outcome.error is not None
    assert outcome.error.task == "spy"
    assert "did not end within 20 s" in str(outcome.error) or "printed more" in str(outcome.error)
    assert "x" * 4000 in outcome.output, "it did print"
    assert outcome.seconds < 60
    assert (tmp_path / "evidence" / "output.txt").stat().st_size <= 64 << 20


def test_stop_ends_it_at_once_whatever_it_does(world: World, tmp_path: Path) -> None:
    """Deaf to every signal but those that nobody can be deaf to, and busy."""
    deaf = """
        import signal
        for one in range(1, 32):
            if one not in (9, 19):
                signal.signal(one, signal.SIG_IGN)
        ask(op="exec", host="a", command="touch /opt/deaf")
        while True:
            pass
    """
    stop, outcomes = threading.Event(), list[Outcome]()
    thread = threading.Thread(target=lambda: outcomes.append(spy(world, tmp_path, deaf, stop=stop)))
    thread.start()
    try:
        await_file(world, "deaf", thread.is_alive)
    finally:
        stop.set()
        thread.join(15)
    (outcome,) = outcomes
    assert "was stopped in task 'spy'" in str(outcome.error)


def await_file(world: World, name: str, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Until the file is in /opt of the tool's own node."""
    until = time.monotonic() + seconds
    while name not in world.opt("lab", "a"):
        assert alive(), f"it ended before it wrote {name}"
        assert time.monotonic() < until, f"it never wrote {name}"


CHILD = """
import sys
from pathlib import Path
from tests.engine.hostile import FORGE, SECRET, Outcome, World, a_world, run, spy
spy(a_world(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.parametrize("stopped", [False, True], ids=["the relay listens", "the relay was stopped"])
def test_nothing_is_left_when_the_orchestrator_is_killed(world: World, tmp_path: Path, stopped: bool) -> None:
    """The container ends with its input; where a hostile playbook keeps it from that, a sweep finds it."""
    code = f"""
import signal
if {stopped}: os.kill(relay(), signal.SIGSTOP)
else: ask(op="exec", host="a", command="touch /opt/begun")
while True: signal.pause()
"""
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", CHILD, world.instance, str(tmp_path), code]
    with subprocess.Popen(command, cwd=root) as child:
        try:
            if not stopped:
                await_file(world, "begun", lambda: child.poll() is None)
            else:
                await_stopped(world, lambda: child.poll() is None)
            assert len(world.jails_left()) == 1
        finally:
            child.kill()
    if stopped:
        assert len(world.jails.sweep_jails()) == 1, "its maker is dead"
    until = time.monotonic() + 20
    while world.jails_left():
        assert time.monotonic() < until, "the container outlives who made it"


def await_stopped(world: World, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Until a process in the one jail is stopped."""
    until = time.monotonic() + seconds
    while True:
        for jail in world.jails_left():
            with contextlib.suppress(docker.errors.APIError):
                states = world.client.api.top(jail, ps_args="-eo pid,stat")["Processes"]
                if any(state.startswith("T") for _, state in states):
                    return
        assert alive(), "it ended before it stopped the relay"
        assert time.monotonic() < until, "the relay was never stopped"


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
    """Three runs that wait for one another: each sees its own processes and its own files."""
    code = """
        import uuid
        open("/tmp/mine", "x").close()
        ask(op="exec", host="a", command=f"touch /opt/here-{uuid.uuid4().hex}")
        ends = time.monotonic() + 60
        while (met := ask(op="exec", host="a", command="ls /opt").count("here-")) < 3 and time.monotonic() < ends:
            time.sleep(0.1)
        found = [met, len([name for name in os.listdir("/tmp") if name == "mine"]), relays()]
    """
    relays = """
        def relays():
            words = [open(path, "rb").read() for path in glob.glob("/proc/[0-9]*/cmdline")]
            return len([one for one in words if one.startswith(b"python3\\0-I\\0-c")])
    """
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda at=at: outcomes.append(spy(world, tmp_path / str(at), relays + code)))  # type: ignore[misc]
        for at in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.found for outcome in outcomes] == [[3, 1, 1]] * 3, "all three met; each saw its own"
    assert not Path("/tmp/mine").exists()
