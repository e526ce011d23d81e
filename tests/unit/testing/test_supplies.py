"""Images, builders and provisioning in memory."""

from __future__ import annotations

import pytest

from range.errors import ImageMissing
from range.layout import FileSpec
from range.testing.supplies import MemoryBuilders, MemoryImages, memory_ports


def test_images_are_here_or_missing() -> None:
    images, said = MemoryImages(), list[str]()
    assert images.digest("jointrange/base") == "sha256:base"
    assert images.digest("other") is None
    assert images.ensure_all(["jointrange/base", "other"], said.append)["other"] == images.digest("other")
    assert said == ["other: building"]
    images.missing.add("jointrange/base")
    with pytest.raises(ImageMissing):
        images.ensure("jointrange/base", said.append)


def test_a_builder_becomes_an_image() -> None:
    images = MemoryImages()
    builders = MemoryBuilders(images)
    name = builders.start_builder("jointrange/base", "b")
    assert builders.exec_builder(name, ["true"]).exit_code == 0
    builders.write_builder(name, [FileSpec("/x", b"")])
    assert builders.commit_builder(name, "made") == images.digest("made")
    builders.remove_builder(name)
    builders.remove_builder(name)
    assert builders.sweep_builders() == []


def test_all_ports_share_one_clock() -> None:
    ports = memory_ports()
    ports.clock.sleep(3)
    assert ports.stop is ports.clock.cancelled
