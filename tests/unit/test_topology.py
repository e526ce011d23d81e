"""The words of the language: quantities, and that models refuse what they do not know."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from range.topology import CAPABILITIES, Capability, Node, Topology, seconds, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"), [("250ms", 0.25), ("3s", 3.0), ("1.5m", 90.0), ("20us", 2e-5), ("0s", 0.0)]
)
def test_durations_are_seconds(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "ms", "5w", "s5"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seconds(text)


@pytest.mark.parametrize(("text", "expected"), [("1k", 1024), ("512m", 2**29), ("2g", 2**31)])
def test_sizes_are_bytes(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5t", "1.5g"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        size_bytes(text)


def test_unknown_keys_are_refused_and_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError):
        Node.model_validate({"imgae": "x"})
    node = Node.model_validate({"image": "x"})
    with pytest.raises(ValidationError):
        node.image = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    "image", ["1f23", "sha256:1f23", "jointrange-tool/x:1", "docker.io/jointrange-tool/x", "a/../b"]
)
def test_an_image_is_named(image: str) -> None:
    with pytest.raises(ValidationError, match="image"):
        Node.model_validate({"image": image})


def test_no_capability_reaches_beyond_the_node() -> None:
    assert get_args(Capability) == CAPABILITIES
    assert not {"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "MKNOD", "BPF"} & set(CAPABILITIES)


def test_the_schema_version_is_part_of_the_file() -> None:
    with pytest.raises(ValidationError):
        Topology.model_validate({"schema": "jointrange.topology/2", "name": "t", "nodes": {}})
