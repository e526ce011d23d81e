"""Paths are uploaded, words are references; what the service says about a file names it as this machine has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.cli.sending import Document, document, sent
from range.errors import Invalid
from range.exits import BAD_INPUT
from range.service.packing import YAML_AT_MOST
from tests.serving import Served
from tests.unit.cli.program import Program
from tests.unit.conftest import Ask

TOPOLOGY = """schema: jointrange.topology/1
name: sent
networks: {lan: {cidr: 10.0.0.0/24}}
nodes:
  one: {image: jointrange/base, networks: [lan]}
"""
LARGE = TOPOLOGY + "#" * YAML_AT_MOST
"""Valid on this machine; the service takes no YAML file of this size."""


def test_a_word_is_the_services_own(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    assert document(client, "topology", "pair@0a1b") == Document("pair@0a1b", "pair", "pair@0a1b")


def test_a_path_is_uploaded(served: Served, ask: Ask, tmp_path: Path) -> None:
    client = ask(served.address, served.admin)
    place = tmp_path / "mine.yaml"
    place.write_text(TOPOLOGY)
    view, parcel = sent(client, "topology", place, dry_run=True)
    assert (view.name, parcel.upload.main) == ("sent", "mine.yaml")
    found = document(client, "topology", str(place))
    assert found == Document(f"sent@{view.digest[:12]}", "sent", str(place))
    assert client.documents.get("topology", found.reference).digest == view.digest


def test_a_fault_that_only_the_service_finds_is_at_its_place(served: Served, ask: Ask, tmp_path: Path) -> None:
    place = tmp_path / "mine.yaml"
    place.write_text(LARGE)
    with pytest.raises(Invalid) as caught:
        document(ask(served.address, served.admin), "topology", str(place))
    assert caught.value.problems[0].where.file == str(place)


@pytest.mark.parametrize(
    "words",
    [
        ("up",),
        ("pool", "new", "sent"),
        ("document", "add", "topology"),
    ],
)
def test_each_command_tells_it(remote: Program, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.yaml").write_text(LARGE)
    code, _, error = remote(*words, "deep/mine.yaml")
    assert code == BAD_INPUT
    assert error.startswith("deep/mine.yaml"), error
