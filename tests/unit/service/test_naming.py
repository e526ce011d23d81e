from __future__ import annotations

import pytest

from range.catalogue.reading import parse
from range.errors import Invalid
from range.service.naming import fenced, words
from range.service.packing import Packed

TEXT = b"""topology: ../topologies/mine.yaml
scenario: company-intrusion
benign: office
arms:
  control: []
  defended: [suricata, ./tool]
"""


def test_every_word_that_names_something_is_found() -> None:
    found = [(word, value.where.line) for word, value in words(parse("c.yaml", TEXT))]
    assert found == [
        ("../topologies/mine.yaml", 1), ("company-intrusion", 2), ("office", 3), ("suricata", 6), ("./tool", 6),
    ]  # fmt: skip


def test_paths_must_be_among_the_files() -> None:
    files = {"c/c.yaml": TEXT, "topologies/mine.yaml": b"", "c/tool/tool.yaml": b""}
    fenced(Packed("campaign", "c/c.yaml", files))
    with pytest.raises(Invalid) as caught:
        fenced(Packed("campaign", "c.yaml", {"c.yaml": TEXT}))
    assert [(one.where.line, one.where.column) for one in caught.value.problems] == [(1, 11), (6, 24)]


@pytest.mark.parametrize("text", [b"arms: 1\n", b"arms: [1]\n", b"topology: [x]\n", b"- 1\n", b"x\n"])
def test_what_is_no_campaign_names_nothing(text: bytes) -> None:
    assert not list(words(parse("c.yaml", text)))
