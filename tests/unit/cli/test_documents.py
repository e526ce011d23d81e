"""Commands on documents, asked of a real service."""

from __future__ import annotations

import json
from pathlib import Path

from range.exits import BAD_INPUT, PASS
from tests.unit.cli.program import Program
from tests.unit.client.test_uploads import TOPOLOGY

PLAIN = TOPOLOGY.partition(", files:")[0].replace("mine", "kept") + "}\n"


def test_a_document_from_its_beginning_to_its_end(remote: Program, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(PLAIN)
    assert "would be kept@" in remote("document", "add", "topology", "./t.yaml", "--dry-run")[1]
    code, out, error = remote("document", "add", "topology", "./t.yaml")
    assert code == PASS, error
    assert out.startswith("topology kept is kept@")
    assert "bundled" in remote("document", "ls", "tool")[1]
    own = json.loads(remote("document", "ls", "--own", "--json")[1])
    assert ("topology", "kept") in [(one["kind"], one["name"]) for one in own]
    assert "t.yaml" in remote("document", "show", "topology", "kept", "--versions")[1]
    assert remote("document", "show", "topology", "kept", "--file", "t.yaml")[1] == PLAIN
    assert json.loads(remote("document", "show", "topology", "kept", "--json")[1])["main"] == "t.yaml"
    assert remote("document", "rm", "topology", "kept")[1] == "topology kept is deleted\n"
    assert remote("document", "show", "topology", "kept")[0] == BAD_INPUT
