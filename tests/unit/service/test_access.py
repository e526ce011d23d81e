"""Who may do what: roles, and whose rows are whose."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from range.errors import Forbidden, NotFound
from range.rows import DocumentRow, OrgRow, PoolRow, ProjectRow, RangeRow, Row, TokenRow
from range.service.access import (
    ACTIONS,
    INSTALLATION,
    ROLES,
    WHOLE,
    Action,
    actions,
    demand,
    everywhere,
    granted,
    may,
    own,
    project_for,
    sees,
    within,
)
from range.service.context import Principal
from range.store.opening import open_store
from range.stores import Store


def person(role: str = "admin", org: str = "blue", *, scopes: tuple[str, ...] = (), project: str = "") -> Principal:
    return Principal(id="token:x", name="x", org=org, role=role, scopes=scopes, project=project)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    with store.writing() as rows:
        for org in ("blue", "red"):
            rows.add(OrgRow(id=org, org=org, created=1.0, name=org))
            rows.add(ProjectRow(id=f"{org}:ics", org=org, created=1.0, name="ics"))
            rows.add(RangeRow(id=f"r-{org}", org=org, created=1.0, name="lab", topology="t"))
            rows.add(RangeRow(id=f"r-{org}-ics", org=org, created=2.0, name="lab2", topology="t", project="ics"))
            rows.add(PoolRow(id=f"p-{org}", org=org, created=1.0, name="pool", topology="t"))
            rows.add(
                DocumentRow(id=f"d-{org}", org=org, created=1.0, kind="tool", name="t", digest="ab", main="t.yaml")
            )
        rows.add(RangeRow(id="r-house", org="", created=3.0, name="lab", topology="t"))
    yield store
    store.close()


def test_each_role_may_do_all_that_the_one_before_it_may() -> None:
    order = [ROLES[role] for role in ("viewer", "operator", "trainer", "admin")]
    for less, more in pairwise(order):
        assert less < more
    assert order[-1] | INSTALLATION == set(ACTIONS)


def test_a_viewer_only_reads() -> None:
    assert all(action.endswith(".read") for action in ROLES["viewer"])
    assert "audit.read" not in ROLES["trainer"]


def test_only_an_administrator_of_the_installation_makes_organisations() -> None:
    assert may(person(org=""), "organisations.write")
    assert not may(person(org="blue"), "organisations.write")
    assert not may(person("trainer", org=""), "organisations.write")
    assert not may(person(org="", project="ics"), "organisations.write")


def test_scopes_only_take_away() -> None:
    assert actions(person("viewer", scopes=("ranges.read", "ranges.write"))) == {"ranges.read"}
    assert actions(person("viewer")) == ROLES["viewer"]
    assert granted("admin", "blue", "", ("organisations.write",)) == frozenset()


def test_a_token_of_a_project_may_do_nothing_about_the_whole_organisation() -> None:
    assert not actions(person(project="ics")) & WHOLE
    assert may(person(project="ics"), "ranges.write")


@pytest.mark.parametrize(
    ("who", "action", "words", "hint"),
    [
        (person("viewer"), "ranges.write", "your role is viewer", "operator, trainer, admin"),
        (person(scopes=("ranges.read",)), "ranges.write", "not among your token's scopes", "ranges.read"),
        (person(project="ics"), "projects.write", "of the project ics only", "whole organisation"),
        (person(), "organisations.write", "needs organisations.write", "administrators of the installation"),
    ],
)
def test_a_refusal_says_what_is_missing(who: Principal, action: Action, words: str, hint: str) -> None:
    with pytest.raises(Forbidden) as caught:
        demand(who, action)
    assert words in str(caught.value)
    assert hint in caught.value.hint


def test_what_is_allowed_is_not_refused() -> None:
    for role, allowed in ROLES.items():
        for action in allowed:
            demand(person(role), action)


@pytest.mark.parametrize("kind", [RangeRow, PoolRow, DocumentRow, OrgRow, ProjectRow])
def test_a_stranger_cannot_tell_a_foreign_row_from_one_that_is_not_there(store: Store, kind: type[Row]) -> None:
    with store.reading() as rows:
        theirs = rows.find(kind, org="red")[0].id
        assert own(rows, person(org="red"), kind, theirs).id == theirs
        with pytest.raises(NotFound) as foreign:
            own(rows, person(), kind, theirs)
        with pytest.raises(NotFound) as nothing:
            own(rows, person(), kind, "nothing")
    assert str(foreign.value).replace(theirs, "X") == str(nothing.value).replace("nothing", "X")
    assert foreign.value.hint == nothing.value.hint
    assert isinstance(foreign.value.__cause__, Forbidden), "the audit log must be able to tell"
    assert nothing.value.__cause__ is None


def test_lists_and_single_rows_agree_for_everybody(store: Store) -> None:
    callers = [person(org="blue"), person(org="red", project="ics"), person(org=""), person("viewer", org="")]
    seen = []
    with store.reading() as rows:
        for who in callers:
            for kind in (RangeRow, PoolRow, DocumentRow, OrgRow, ProjectRow, TokenRow):
                listed = {row.id for row in rows.find(kind, **within(who, kind))}
                assert listed == {row.id for row in rows.find(kind) if sees(who, row)}
                seen.append(len(listed))
    assert max(seen) > 0


def test_who_sees_which_ranges(store: Store) -> None:
    def ranges(who: Principal) -> set[str]:
        with store.reading() as rows:
            return {row.id for row in rows.find(RangeRow, **within(who, RangeRow))}

    assert ranges(person(org="blue")) == {"r-blue", "r-blue-ics"}
    assert ranges(person(org="blue", project="ics")) == {"r-blue-ics"}
    assert ranges(person(org="")) == {"r-blue", "r-blue-ics", "r-red", "r-red-ics", "r-house"}
    assert ranges(person("operator", org="")) == {"r-house"}
    assert everywhere(person(org=""))


def test_documents_are_shared_by_the_projects_of_an_organisation(store: Store) -> None:
    with store.reading() as rows:
        assert own(rows, person(project="ics"), DocumentRow, "d-blue").id == "d-blue"


def test_a_new_row_goes_to_the_project_of_the_token(store: Store) -> None:
    with store.reading() as rows:
        assert project_for(rows, person(project="ics"), "") == "ics"
        assert project_for(rows, person(project="ics"), "ics") == "ics"
        assert project_for(rows, person(), "ics") == "ics"
        assert project_for(rows, person(), "") == ""
        with pytest.raises(Forbidden, match="of the project ics"):
            project_for(rows, person(project="ics"), "web")
        with pytest.raises(NotFound, match="no project web"):
            project_for(rows, person(), "web")
        with pytest.raises(NotFound):
            project_for(rows, person(org=""), "ics")
