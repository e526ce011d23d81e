"""What is sent when a path is given: the file and all it names, and nothing else."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest

from range.catalogue import root
from range.client.uploads import pack
from range.errors import Invalid, NotFound, Problem, Where
from tests.unit.service.campaigning import FILES

TOPOLOGY = """schema: jointrange.topology/1
name: mine
networks: {lan: {cidr: 10.0.0.0/24}}
nodes:
  one: {image: jointrange/base, networks: [lan], files: {/etc/motd: {source: files/motd}}}
"""


def a_tree(folder: Path) -> Path:
    """The small campaign, in a folder of its own; its tool lies beside that folder."""
    for name, text in FILES.items():
        place = folder / (name if name.startswith("watch/") else f"mine/{name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("./watch", "../watch") if name == "campaign.yaml" else text)
    return folder / "mine" / "campaign.yaml"


def test_a_topology_takes_its_files_along(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "motd").write_bytes(b"\xff\xfe")
    (tmp_path / "secret").write_text("not named")
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    parcel = pack("topology", tmp_path / "t.yaml")
    assert (parcel.name, parcel.upload.main) == ("mine", "t.yaml")
    sent = {file.path: file for file in parcel.upload.files}
    assert set(sent) == {"t.yaml", "files/motd"}
    assert sent["t.yaml"].text == TOPOLOGY
    assert sent["files/motd"].base64 == base64.b64encode(b"\xff\xfe").decode()


def test_a_campaign_takes_along_what_it_names_by_path_wherever_that_is(tmp_path: Path) -> None:
    parcel = pack("campaign", a_tree(tmp_path))
    assert parcel.upload.main == "mine/campaign.yaml"
    assert {file.path for file in parcel.upload.files} == {
        "mine/campaign.yaml", "mine/t.yaml", "mine/s.yaml", "watch/tool.yaml", "watch/install.yml",
    }  # fmt: skip
    assert parcel.folder == tmp_path


def test_a_tool_takes_its_folder_along_but_follows_no_link_out_of_it(tmp_path: Path) -> None:
    a_tree(tmp_path)
    (tmp_path / "watch" / "link").symlink_to("/etc/passwd")
    (tmp_path / "watch" / "__pycache__").mkdir()
    (tmp_path / "watch" / "__pycache__" / "x.pyc").touch()
    assert {file.path for file in pack("tool", tmp_path / "watch").upload.files} == {"tool.yaml", "install.yml"}


def test_what_is_bundled_stays_with_the_service() -> None:
    parcel = pack("campaign", root() / "playbooks" / "campaigns" / "demo.yaml")
    assert not any("topology" in file.path for file in parcel.upload.files)
    assert len(pack("scenario", next((root() / "playbooks" / "attacks").glob("*.yaml"))).upload.files) >= 1
    assert len(pack("benign", root() / "playbooks" / "benign" / "office.yaml").upload.files) == 1


def test_a_wrong_file_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TOPOLOGY.replace("jointrange.topology/1", "no"))
    with pytest.raises(Invalid):
        pack("topology", tmp_path / "t.yaml")
    with pytest.raises(NotFound):
        pack("topology", tmp_path / "none.yaml")


def test_positions_come_back_to_this_machines_files(tmp_path: Path) -> None:
    parcel = pack("campaign", a_tree(tmp_path))
    error = Invalid([Problem(Where("mine/t.yaml", 3, 1), "x"), Problem(Where("body", 0, 0), "y")])
    with contextlib.chdir(tmp_path / "mine"):
        told = parcel.here(error)
    assert isinstance(told, Invalid)
    assert {str(problem.where) for problem in told.problems} == {"t.yaml:3:1", "body"}
    assert parcel.here(other := NotFound("x")) is other
