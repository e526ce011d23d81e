"""Documents of a real service."""

from __future__ import annotations

import pytest

from range.errors import Invalid, NotFound, Refused
from range.wire import Upload, UploadFile
from tests.unit.client.conftest import Ask
from tests.unit.client.serving import Served
from tests.unit.client.test_uploads import TOPOLOGY

PLAIN = TOPOLOGY.partition(", files:")[0] + "}\n"


def an_upload(text: str) -> Upload:
    return Upload(main="t.yaml", files=(UploadFile(path="t.yaml", text=text),))


def test_a_topology_is_added_found_read_drawn_and_deleted(served: Served, ask: Ask) -> None:
    documents = ask(served.url, served.token).documents
    assert documents.add("topology", an_upload(PLAIN), dry_run=True).name == "mine"
    with pytest.raises(NotFound):
        documents.get("topology", "mine")
    first = documents.add("topology", an_upload(PLAIN))
    second = documents.add("topology", an_upload(PLAIN + "# newer\n"))
    assert documents.get("topology", "mine").digest == second.digest
    assert [one.digest for one in documents.versions("topology", "mine")] == [second.digest, first.digest]
    assert documents.file("topology", f"mine@{first.digest[:8]}", "t.yaml").decode() == PLAIN
    assert documents.drawing("mine").startswith("<svg")
    assert {"mine", "pair"} <= {one.name for one in documents.all("topology")}
    documents.remove("topology", "mine")
    with pytest.raises(NotFound):
        documents.get("topology", "mine")


def test_what_is_wrong_has_its_positions(served: Served, ask: Ask) -> None:
    with pytest.raises(Invalid) as caught:
        ask(served.url, served.token).documents.add("topology", an_upload(PLAIN.replace("cidr", "cider")))
    [*_, problem] = caught.value.problems
    assert problem.where.file == "t.yaml"
    assert problem.where.line == 3


def test_what_is_bundled_stays(served: Served, ask: Ask) -> None:
    with pytest.raises(Refused, match="comes with"):
        ask(served.url, served.token).documents.remove("topology", "pair")
