"""The connection plugin, loaded as Ansible loads it, against a real relay, exchange and broker.

In a process of its own: Ansible's plugin loader changes the interpreter it runs in.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from range.provisioner import ansible, relay
from range.provisioner.broker import Broker, until
from range.provisioner.exchange import Exchange
from tests.unit.provisioner.fakes import LocalHost, ProcessJail

PLUGINS = Path(ansible.__file__).parent / "plugins" / "connection"

SCRIPT = """
import json, sys
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
plugins, socket, host, source, target = sys.argv[1:]
init_plugin_loader()
connection_loader.add_directory(plugins)
context = PlayContext()
context.remote_addr = host
connection = connection_loader.get("jointrange", context, None)
connection.set_options(direct={"socket": socket})
answer = {}
try:
    code, out, err = connection.exec_command("cat; echo err >&2; exit 4", in_data=b"in", sudoable=False)
    answer["exec"] = [code, out.decode(), err.decode()]
    connection.put_file(source, target)
    connection.fetch_file(target, target + ".back")
except AnsibleConnectionFailure as error:
    answer["error"] = str(error)
answer["transport"] = connection.transport
print(json.dumps(answer))
"""


def ask(tmp_path: Path, host: str = "web", socket: str = "") -> dict[str, object]:
    """What the script says, run as the worker of a relay."""
    (tmp_path / "source").write_bytes(b"content\0" * 50_000)
    files = (str(tmp_path / "source"), str(tmp_path / "target"))
    door = str(tmp_path / "door")
    words = (str(PLUGINS), socket or door, host, *files)
    told = {"path": door, "folders": [], "command": [sys.executable, "-c", SCRIPT, *words], "env": {}}
    jail = ProcessJail([sys.executable, "-I", "-c", Path(relay.__file__).read_text(), json.dumps(told)])
    said = bytearray()

    def hear(data: bytes) -> bool:
        said.extend(data)
        return False

    try:
        assert Exchange(jail, Broker({"web": LocalHost()}, until(None)), hear).run(io.BytesIO()) == ""
    finally:
        jail.free()
    assert said, jail.errors()
    answer: dict[str, object] = json.loads(said)
    assert answer["transport"] == "jointrange"
    return answer


def test_commands_and_files_travel(tmp_path: Path) -> None:
    assert ask(tmp_path)["exec"] == [4, "in", "err\n"]
    assert (tmp_path / "target.back").read_bytes() == b"content\0" * 50_000


def test_another_host_is_a_connection_failure(tmp_path: Path) -> None:
    assert "localhost is not a host of this playbook" in str(ask(tmp_path, host="localhost")["error"])
    assert not (tmp_path / "target").exists()


def test_no_broker_is_a_connection_failure(tmp_path: Path) -> None:
    assert "does not answer" in str(ask(tmp_path, socket=str(tmp_path / "none"))["error"])
