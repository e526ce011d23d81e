"""How containers are described to the engine: nodes harmless, fabrics with only what wiring needs."""

from __future__ import annotations

import io
import tarfile

from docker.api.client import APIClient

from range.engine.containers import FABRIC_CAPABILITIES, PARTIAL, archive, fabric_options, node_options, partial
from range.layout import FileSpec
from range.plan import spec_digest
from tests.unit.topologies import OWNERSHIP, a_layout

API = APIClient(version="1.41", base_url="unix:///nowhere.sock")


def test_a_node_can_do_nothing_it_was_not_given() -> None:
    node = a_layout(one={"capabilities": ["NET_RAW"], "limits": {"memory": "64m", "pids": 50}}).node("one")
    options = node_options(API, "r", OWNERSHIP, node)
    host = options["host_config"]
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
    host = fabric_options(API, "r", OWNERSHIP)["host_config"]
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


def test_an_unfinished_range_is_known_by_its_fabrics_name() -> None:
    assert partial({"Names": ["/jr.r.fabric" + PARTIAL]})
    assert not partial({"Names": ["/jr.r.fabric"]})
