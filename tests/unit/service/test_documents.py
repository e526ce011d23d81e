from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from range.errors import Invalid, NotFound, Refused
from range.provisioner.ansible import AnsibleProvisioner
from range.rows import DocumentKind, DocumentRow, FileRow
from range.service import documents
from range.service.context import Principal, Service
from range.service.packing import bundled
from range.stores import Store
from range.wire import Upload, UploadFile
from tests.unit.service.worlds import WHO, a_world

TEXT = """schema: jointrange.topology/1
name: mine
networks: {lan: {cidr: 10.0.0.0/24}}
nodes:
  one: {image: jointrange/base, networks: [lan]}
"""
OTHER = Principal("token:other", "other", "elsewhere", "operator")


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    return a_world(store, tmp_path).service


def saved(service: Service, text: str = TEXT, who: Principal = WHO) -> DocumentRow:
    upload = Upload(main="t.yaml", files=(UploadFile(path="t.yaml", text=text),))
    checked = documents.check(service, "topology", upload)
    with service.store.writing() as rows:
        return documents.save(rows, who, checked, service.store.now())[0]


def looked(service: Service, reference: str, who: Principal = WHO, kind: DocumentKind = "topology") -> str:
    with service.store.reading() as rows:
        return documents.seen(documents.look(rows, service, who, kind, reference)).digest


def test_a_document_is_kept_and_unpacked_once(service: Service) -> None:
    row = saved(service)
    assert (row.name, row.kind, row.main, row.actor) == ("mine", "topology", "t.yaml", WHO.id)
    path = documents.unpacked(service, row.id)
    assert path.read_text() == TEXT
    assert path.parent == service.data / "documents" / row.digest
    assert documents.unpacked(service, row.id) == path
    assert [node.name for node in documents.layout_of(service, row.id, ()).nodes] == ["one"]
    assert [path.name for path in (service.data / "documents").iterdir()] == [row.digest]


def test_the_same_files_are_the_same_version(service: Service) -> None:
    first, again = saved(service), saved(service)
    assert first.id == again.id
    with service.store.reading() as rows:
        assert rows.count(DocumentRow) == 1
        assert rows.count(FileRow) == 1


def test_a_name_means_what_was_uploaded_last(service: Service) -> None:
    old = saved(service)
    new = saved(service, TEXT + "# another\n")
    assert looked(service, "mine") == new.digest
    assert looked(service, f"mine@{old.digest[:8]}") == old.digest
    saved(service)
    assert looked(service, "mine") == old.digest, "uploaded again: the newest again"


def test_uploads_and_deletions_are_in_the_audit_log(service: Service) -> None:
    row = saved(service)
    saved(service)
    newer = saved(service, TEXT + "# another\n")
    saved(service)
    looked(service, "pair")
    with service.store.writing() as rows:
        documents.hide(rows, WHO, "topology", f"mine@{newer.digest}")
        noted = [(one.action, one.subject, one.actor) for one in rows.audit(0, 50)]
    assert noted == [
        ("documents.upload", f"document/{row.id}", WHO.id),
        ("documents.upload", f"document/{newer.id}", WHO.id),
        ("documents.upload", f"document/{row.id}", WHO.id),
        ("documents.delete", f"document/{newer.id}", WHO.id),
    ], "what changed nothing is not in it, nor a bundled thing that was used"


def test_own_documents_go_before_bundled_ones(service: Service) -> None:
    theirs = looked(service, "pair")
    own = saved(service, TEXT.replace("mine", "pair"))
    assert looked(service, "pair") == own.digest
    assert looked(service, "pair", OTHER) == theirs
    with service.store.writing() as rows:
        documents.hide(rows, WHO, "topology", "pair")
    assert looked(service, "pair") == theirs
    assert documents.unpacked(service, own.id).is_file(), "what uses it goes on"


def test_bundled_things_are_adopted_when_they_are_used(service: Service) -> None:
    with service.store.writing() as rows:
        row = documents.adopt(rows, service, WHO, "tool", "suricata")
        assert documents.adopt(rows, service, WHO, "tool", "suricata") == row
    assert row.bundled
    assert row.digest == bundled("tool", "suricata").digest
    [tool] = documents.loaded_tools(service, (row.id,))
    assert tool.tool.name == "suricata"
    with service.store.writing() as rows, pytest.raises(Refused):
        documents.hide(rows, WHO, "tool", "suricata")


def test_lists_have_each_name_once(service: Service) -> None:
    saved(service)
    saved(service, TEXT + "# another\n")
    with service.store.reading() as rows:
        names = [one.name for one in documents.listed(rows, service, WHO, "topology")]
        assert names == sorted({"mine", "campus", "company", "pair", "routers"})
        assert len(documents.versions(rows, service, WHO, "topology", "mine")) == 2
        assert [one.bundled for one in documents.versions(rows, service, WHO, "topology", "pair")] == [True]


def test_strangers_find_nothing(service: Service) -> None:
    row = saved(service)
    for reference in ("mine", f"mine@{row.digest}", "nothing", "mine@000000", "pair@000000"):
        with service.store.reading() as rows, pytest.raises(NotFound):
            documents.look(rows, service, OTHER, "topology", reference)
    with pytest.raises(NotFound):
        documents.unpacked(service, "nothing")


def test_faults_carry_the_names_the_caller_gave(service: Service) -> None:
    bad = TEXT.replace("networks: [lan]}", "networks: [wan], files: {/x: {source: no.txt}}}")
    upload = Upload(main="a/t.yaml", files=(UploadFile(path="a/t.yaml", text=bad),))
    with pytest.raises(Invalid) as caught:
        documents.check(service, "topology", upload)
    assert {problem.where.file for problem in caught.value.problems} == {"a/t.yaml"}
    assert all(problem.where.line == 5 for problem in caught.value.problems)
    assert "jointrange-" not in str(caught.value)


def test_tools_are_placed_in_layouts(service: Service) -> None:
    with service.store.writing() as rows:
        place = documents.adopt(rows, service, WHO, "topology", "company")
        tool = documents.adopt(rows, service, WHO, "tool", "suricata")
    bare = documents.bare_layout(service, place.id)
    layout = documents.layout_of(service, place.id, (tool.id,))
    assert len(layout.nodes) == len(bare.nodes) + 1
    assert documents.layout_of(service, place.id, (tool.id,)) is layout


def test_a_campaign_comes_back_whole(service: Service) -> None:
    with service.store.writing() as rows:
        row = documents.adopt(rows, service, WHO, "campaign", "waf-release")
    loaded = documents.loaded_campaign(service, row.id)
    assert loaded.campaign.name == "waf-release"
    assert loaded.tools


def test_a_bundled_drawing_needs_no_row(service: Service) -> None:
    with service.store.reading() as rows:
        found = documents.look(rows, service, WHO, "topology", "pair")
    assert documents.layout_found(service, found).name == "pair"
    assert documents.layout_found(service, saved(service)).name == "mine"
    with service.store.reading() as rows:
        assert set(documents.files_of(rows, found).files) >= {"topology.yaml"}


TOOL = """schema: jointrange.tool/1
name: probe
title: Probe
place: {on: {role: web}}
configure: configure.yml
"""
CAMPAIGN = """schema: jointrange.campaign/1
name: check
topology: pair
scenario: ssh-attacks
arms: {control: [], probe: [../tools/probe]}
"""
BOMB = "- hosts: tool\n  vars:\n    v0: &v0 {x: 1}\n" + "".join(
    f"    v{level}: &v{level} {{<<: [{', '.join([f'*v{level - 1}'] * 9)}]}}\n" for level in range(1, 12)
)


def with_rules(service: Service) -> Service:
    """The same, with a provisioner that knows the rules for playbooks."""
    given = service.ports()
    strict = AnsibleProvisioner(given.engine, given.images, given.builders, cast("Any", None))
    return replace(service, ports=lambda: replace(given, provisioner=strict))


def refused(service: Service, kind: DocumentKind, main: str, **files: str) -> list[str]:
    upload = Upload(main=main, files=tuple(UploadFile(path=path, text=text) for path, text in files.items()))
    with pytest.raises(Invalid) as caught:
        documents.check(service, kind, upload)
    return [str(problem).partition("\n")[0] for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("playbook", "said"),
    [
        ("- hosts: tool\n  connection: local\n", "configure.yml:2:3: `connection` is not allowed"),
        (BOMB, "configure.yml:4:14: a merge key (`<<`) is not allowed"),
        ("[" * 5000, "configure.yml:1:41: nested deeper than 40 levels"),
    ],
    ids=["rule", "bomb", "brackets"],
)
def test_a_tool_whose_playbooks_break_a_rule_is_not_taken(service: Service, playbook: str, said: str) -> None:
    """Else a keeper would find out, again and again, each time somebody wants it."""
    strict = with_rules(service)
    files = {"tool.yaml": TOOL, "configure.yml": playbook}
    assert refused(strict, "tool", "tool.yaml", **files) == [said]
    inside = {f"tools/probe/{path}": text for path, text in files.items()}
    (told,) = refused(strict, "campaign", "campaigns/check.yaml", **{"campaigns/check.yaml": CAMPAIGN}, **inside)
    assert told == f"campaigns/../tools/probe/{said}"


@pytest.mark.parametrize("name", ["suricata", "modsecurity-crs", "fail2ban-ssh", "suricata-inline"])
def test_our_own_tools_are_taken_when_they_are_uploaded(service: Service, name: str) -> None:
    files = tuple(
        UploadFile(path=path, base64=b64encode(content).decode())
        for path, content in bundled("tool", name).files.items()
    )
    assert documents.check(with_rules(service), "tool", Upload(main="tool.yaml", files=files)).name == name
