"""Documents of a real service."""

from __future__ import annotations

import pytest

from range.errors import Invalid, NotFound, Refused
from range.wire import Upload, UploadFile
from tests.serving import Served
from tests.unit.client.test_uploads import TOPOLOGY
from tests.unit.conftest import Ask

PLAIN = TOPOLOGY.partition(", files:")[0] + "}\n"


def an_upload(text: str) -> Upload:
    return Upload(main="t.yaml", files=(UploadFile(path="t.yaml", text=text),))


def test_a_topology_is_added_found_read_drawn_and_deleted(served: Served, ask: Ask) -> None:
    """Under a name of its own: the service is the same for all tests."""
    mine = PLAIN.replace("name: mine", "name: kept-for-a-while")
    documents = ask(served.address, served.admin).documents
    assert documents.add("topology", an_upload(mine), dry_run=True).name == "kept-for-a-while"
    with pytest.raises(NotFound):
        documents.get("topology", "kept-for-a-while")
    first = documents.add("topology", an_upload(mine))
    second = documents.add("topology", an_upload(mine + "# newer\n"))
    assert documents.get("topology", "kept-for-a-while").digest == second.digest
    assert [one.digest for one in documents.versions("topology", "kept-for-a-while")] == [second.digest, first.digest]
    assert documents.file("topology", f"kept-for-a-while@{first.digest[:8]}", "t.yaml").decode() == mine
    assert documents.drawing("kept-for-a-while").startswith("<svg")
    assert {"kept-for-a-while", "pair"} <= {one.name for one in documents.all("topology")}
    documents.remove("topology", "kept-for-a-while")
    with pytest.raises(NotFound):
        documents.get("topology", "kept-for-a-while")


def test_what_is_wrong_has_its_positions(served: Served, ask: Ask) -> None:
    with pytest.raises(Invalid) as caught:
        ask(served.address, served.admin).documents.add("topology", an_upload(PLAIN.replace("cidr", "cider")))
    [*_, problem] = caught.value.problems
    assert problem.where.file == "t.yaml"
    assert problem.where.line == 3


def test_what_is_bundled_stays(served: Served, ask: Ask) -> None:
    with pytest.raises(Refused, match="comes with"):
        ask(served.address, served.admin).documents.remove("topology", "pair")
