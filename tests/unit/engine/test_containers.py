"""How containers are described to the engine: nodes harmless, fabrics with only what wiring needs."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from docker.api.client import APIClient

from range.engine.client import connect
from range.engine.containers import (
    FABRIC_CAPABILITIES,
    PARTIAL,
    Containers,
    archive,
    fabric_options,
    node_archive,
    node_options,
    partial,
)
from range.layout import FileSpec
from range.plan import spec_digest
from tests.unit.engine.pretended import Asked, Pretended
from tests.unit.topologies import OWNERSHIP, a_layout

API = APIClient(version="1.41", base_url="unix:///nowhere.sock")


def test_a_node_can_do_nothing_it_was_not_given() -> None:
    node = a_layout(one={"capabilities": ["NET_RAW"], "limits": {"memory": "64m", "pids": 50}}).node("one")
    options = node_options(API, "r", OWNERSHIP, node)
    host = options["host_config"]
    assert options["network_disabled"] is True
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] == ["NET_RAW"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert (host["Memory"], host["PidsLimit"]) == (64 << 20, 50)
    assert host["Dns"] == ["127.0.0.1"]
    assert not any(host.get(key) for key in ("Privileged", "Binds", "PortBindings", "PidMode", "Mounts"))
    assert options["labels"]["jointrange.spec"] == spec_digest(node)


def test_ipv6_is_on_only_where_the_layout_has_it() -> None:
    def off(**network: str) -> str:
        node = a_layout().node("one") if not network else six()
        host = node_options(API, "r", OWNERSHIP, node)["host_config"]
        return str(host["Sysctls"]["net.ipv6.conf.all.disable_ipv6"])

    def six():  # type: ignore[no-untyped-def]
        from dataclasses import replace

        return replace(a_layout().node("one"), sysctls=())

    assert off() == "1"
    assert off(ipv6="yes") == "0"


def test_a_fabric_sees_processes_and_touches_no_network() -> None:
    options = fabric_options(API, "r", OWNERSHIP)
    host = options["host_config"]
    assert options["network_disabled"] is True
    assert (host["NetworkMode"], host["PidMode"], host["CapDrop"]) == ("none", "host", ["ALL"])
    assert tuple(host["CapAdd"]) == FABRIC_CAPABILITIES
    assert not any(host.get(key) for key in ("Privileged", "Binds", "PortBindings", "Mounts"))


def test_files_keep_their_owner_mode_and_content() -> None:
    made = archive([FileSpec("/etc/x", b"data", 0o600, 5, 6)])
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        [entry] = tar.getmembers()
        content = tar.extractfile(entry)
        assert content is not None
        assert (entry.name, entry.mode, entry.uid, entry.gid, content.read()) == ("etc/x", 0o600, 5, 6, b"data")


def test_a_node_finds_localhost_and_no_name_server_whatever_its_files_say() -> None:
    """The engine writes neither file where its networking is off, and a start command may ask for localhost at once."""
    theirs = {"/etc/resolv.conf": {"content": "nameserver 192.0.2.53\n"}, "/srv/x": {"content": "data"}}
    node = a_layout(one={"files": theirs}).node("one")
    with tarfile.open(fileobj=io.BytesIO(node_archive(node))) as tar:
        unpacked = {entry.name: (entry.mode, tar.extractfile(entry).read()) for entry in tar}  # type: ignore[union-attr]
    assert unpacked["etc/resolv.conf"] == (0o644, b"nameserver 127.0.0.1\nsearch .\n")
    assert b"127.0.0.1\tlocalhost\n" in unpacked["etc/hosts"][1]
    assert unpacked["srv/x"] == (0o644, b"data")


def test_an_unfinished_range_is_known_by_its_fabrics_name() -> None:
    assert partial({"Names": ["/jr.r.fabric" + PARTIAL]})
    assert not partial({"Names": ["/jr.r.fabric"]})


def test_a_container_in_the_way_is_looked_up_by_its_whole_name(tmp_path: Path) -> None:
    """A name's dots are dots: what only looks alike is another installation's, and stays."""
    name = "jr.inst.fabric" + PARTIAL
    alike = {"Id": "alike", "Names": ["/jr-inst.fabric.partial"], "State": "exited", "Labels": {}}
    ours = {"Id": "ours", "Names": [f"/{name}"], "State": "exited", "Labels": {}}
    there = [alike, ours]
    creating = iter([(409, {"message": "in use"}), (201, {"Id": "new"})])

    def listing(asked: Asked) -> tuple[int, Any]:
        [pattern] = json.loads(asked.query["filters"])["name"]
        return 200, [one for one in there if re.search(pattern, one["Names"][0])]

    with Pretended(tmp_path) as engine:
        engine.answers["GET", "/containers/json"] = listing
        engine.answers["POST", "/containers/create"] = lambda _: next(creating)
        engine.say("DELETE", "/containers/ours", None, status=204)
        engine.say("PUT", "/containers/new/archive", {})
        engine.say("POST", "/containers/new/start", None, status=204)
        client = connect(engine.host)
        assert Containers(client.api, "default").make_fabric("inst", OWNERSHIP) == "new"
        client.close()
        assert [one.path for one in engine.asked if one.method == "DELETE"] == ["/containers/ours"]
