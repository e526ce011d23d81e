"""How a builder is held; and once committed it starts as the image it came from, with no mark of its maker."""

from __future__ import annotations

import json
from pathlib import Path

import docker
import pytest

from range.engine import labels
from range.engine.builders import MEMORY, DockerBuilders, changes, options
from range.engine.client import connect
from range.errors import EngineFault
from tests.unit.engine.pretended import Pretended


def test_the_images_own_command_comes_back() -> None:
    made = changes({"Entrypoint": ["/bin/start", "--now"], "Cmd": ['a "b"']})
    assert made[:2] == ['ENTRYPOINT ["/bin/start", "--now"]', 'CMD ["a \\"b\\""]']


def test_an_image_without_a_command_has_none_again() -> None:
    assert changes({"Entrypoint": None})[:2] == ["ENTRYPOINT []", "CMD []"]


def test_the_makers_labels_are_blank() -> None:
    made = changes({})
    assert f'LABEL {labels.KIND}="image"' in made
    for key in (labels.INSTANCE, labels.OWNER, labels.NODE, labels.CREATED):
        assert f'LABEL {key}=""' in made


def test_a_builder_has_what_apt_needs_and_no_more() -> None:
    api = docker.APIClient(base_url="unix:///nowhere", version="1.41")
    host = options(api, "its-own")["host_config"]
    api.close()
    assert host["NetworkMode"] == "its-own"
    assert host["CapDrop"] == ["ALL"]
    assert not {"NET_RAW", "NET_ADMIN", "MKNOD", "SYS_CHROOT", "SETPCAP"} & set(host["CapAdd"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] == MEMORY
    assert host["PidsLimit"]
    assert host["CpuQuota"]
    assert host["LogConfig"]["Config"]["max-size"]
    assert not {"Binds", "Mounts", "Privileged", "PidMode", "PortBindings"} & {
        key for key, held in host.items() if held
    }


def test_a_builder_that_does_not_start_leaves_no_network(tmp_path: Path) -> None:
    with Pretended(tmp_path) as engine:
        engine.say("GET", "/images/x:latest/json", {"Id": "i", "Config": {}})
        engine.say("POST", "/networks/create", {"Id": "n"}, 201)
        engine.say("POST", "/containers/create", {"Id": "c", "Warnings": None}, 201)
        engine.say("POST", "/containers/c/start", {"message": "no"}, 500)
        engine.say("DELETE", "/containers/jr-t.builder.b", {}, 204)
        engine.say("DELETE", "/networks/jr-t.builder.b", {}, 204)
        client = connect(engine.host)
        with pytest.raises(EngineFault, match="starting a builder from x"):
            DockerBuilders(client, "t", "me").start_builder("x", "b")
        client.close()
    [made] = [json.loads(asked.body) for asked in engine.asked if asked.path == "/networks/create"]
    assert made["Labels"][labels.KIND] == "builder"
    assert [(asked.method, asked.path) for asked in engine.asked][-2:] == [
        ("DELETE", "/containers/jr-t.builder.b"),
        ("DELETE", "/networks/jr-t.builder.b"),
    ]
