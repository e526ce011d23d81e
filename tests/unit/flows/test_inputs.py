"""What goes into a run: every file as it is, under one name each, and a digest that any change changes."""

from __future__ import annotations

from pathlib import Path

from range import catalogue
from range.flows.inputs import digest, files
from tests.unit.flows.test_campaigns import an_order


def test_everything_is_there_as_it_is(tmp_path: Path) -> None:
    order = an_order(tmp_path)
    (tmp_path / "watch" / "rules").mkdir()
    (tmp_path / "watch" / "rules" / "a.rules").write_bytes(b"\x00\xff")
    (tmp_path / "watch" / "__pycache__").mkdir()
    (tmp_path / "watch" / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "watch" / "secret").symlink_to("/etc/hostname")
    found = files(order.loaded)
    assert sorted(found) == [
        "campaign.yaml", "scenario/s.yaml", "tools/watch/install.yml", "tools/watch/rules/a.rules",
        "tools/watch/tool.yaml", "topology/t.yaml",
    ]  # fmt: skip
    assert found["tools/watch/rules/a.rules"] == b"\x00\xff"
    assert found["campaign.yaml"] == (tmp_path / "c.yaml").read_bytes()


def test_two_builds_of_one_tool_do_not_meet(tmp_path: Path) -> None:
    an_order(tmp_path)
    (tmp_path / "old").mkdir()
    for name in ("install.yml", "tool.yaml"):
        (tmp_path / "old" / name).write_text((tmp_path / "watch" / name).read_text())
    text = (tmp_path / "c.yaml").read_text().replace("control: []", "control: [], previous: [./old/tool.yaml]")
    (tmp_path / "c.yaml").write_text(text)
    names = files(catalogue.campaign(tmp_path / "c.yaml"))
    assert {"tools/watch/tool.yaml", "tools/watch-2/tool.yaml"} <= set(names)


def test_a_bundled_campaign_is_whole() -> None:
    found = files(catalogue.campaign("demo"))
    assert "topology/topology.yaml" in found
    assert all(found.values())


def test_any_change_changes_the_digest() -> None:
    base = digest({"a": b"1", "b": b"2"}, ["x"])
    assert base == digest({"b": b"2", "a": b"1"}, ["x"])
    others = [digest({"a": b"1"}, ["x"]), digest({"a": b"2", "b": b"1"}, ["x"]), digest({"a": b"1", "b": b"2"}, ["y"])]
    assert len({base, *others}) == 4
