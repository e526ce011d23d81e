"""API tokens: made, believed, refused, revoked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from range.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from range.rows import OrgRow, ProjectRow, TokenRow
from range.service import tokens
from range.service.access import ACTIONS, ROLES, actions
from range.service.context import Principal, Service
from range.store.opening import open_store
from range.wire import TokenRequest
from tests.builders import a_service


@dataclass
class Timed:
    """A store whose clock is set by the test."""

    inner: Any
    at: float = 1_000_000.0
    wrote: list[str] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def writing(self) -> Any:
        self.wrote.append("write")
        return self.inner.writing()

    def reading(self) -> Any:
        return self.inner.reading()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    with store.writing() as rows:
        for org in ("blue", "red"):
            rows.add(OrgRow(id=org, org=org, created=1.0, name=org))
            rows.add(ProjectRow(id=f"{org}:ics", org=org, created=1.0, name="ics"))
    timed: Any = Timed(store)
    yield a_service(timed, tmp_path)
    store.close()


def issued(service: Service, **request: Any) -> tuple[TokenRow, str]:
    with service.store.writing() as rows:
        return tokens.issue(rows, "token:first", "blue", TokenRequest(name="ci", **request), service.store.now())


def later(service: Service, seconds: float) -> None:
    timed: Any = service.store
    timed.at += seconds


def holder(service: Service, **request: Any) -> Principal:
    return tokens.verify(service, issued(service, **request)[1])


def test_a_token_is_who_it_was_made_for(service: Service) -> None:
    row, text = issued(service, role="operator", scopes=("runs.read", "runs.write"), lease="2h")
    who = tokens.verify(service, text)
    assert (who.id, who.name, who.org, who.role) == (f"token:{row.id}", "ci", "blue", "operator")
    assert actions(who) == {"runs.read", "runs.write"}
    assert who.expires == service.store.now() + 7200.0


def test_its_shape_is_known_to_scanners_and_nothing_of_it_is_kept(service: Service) -> None:
    row, text = issued(service)
    assert re.fullmatch(r"jr_[0-9a-z]{10}_[0-9A-Za-z]{49}", text)
    secret = text.rpartition("_")[2]
    with service.store.reading() as rows:
        kept = repr(rows.find(TokenRow)) + json.dumps([dict(one.detail) for one in rows.audit(0, 10)])
    assert row.id in kept
    assert secret not in kept
    assert len(row.digest) == 64


def test_no_two_are_alike(service: Service) -> None:
    assert len({issued(service)[1] for _ in range(50)}) == 50


@pytest.mark.parametrize("place", range(3, 63, 4))
def test_a_typing_error_is_found_without_asking_the_database(service: Service, place: int) -> None:
    _, text = issued(service)
    wrong = text[:place] + ("_" if text[place] != "_" else "x") + text[place + 1 :]
    with pytest.raises(Unauthenticated, match="not all of one"):
        tokens.well_formed(wrong)
    other = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
    with pytest.raises(Unauthenticated, match="not all of one"):
        tokens.well_formed(other)


@pytest.mark.parametrize("text", ["", "jr_", "jr__", "jr_abc_def", "x" * 70, "jr_" + "a" * 10 + "_" + "é" * 49])
def test_what_is_no_token_is_refused(service: Service, text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(service, text)


def test_a_well_formed_token_that_nobody_made_is_not_known(service: Service) -> None:
    row, text = issued(service)
    with service.store.writing() as rows:
        rows.remove(TokenRow, row.id)
    with pytest.raises(Unauthenticated, match="not known here"):
        tokens.verify(service, text)
    _, other = issued(service)
    body = other.split("_")[2][:43]
    forged = f"jr_{row.id}_{body}{tokens._checksum(row.id, body)}"
    with pytest.raises(Unauthenticated, match="not known here"):
        tokens.verify(service, forged)


def test_a_forged_secret_for_a_known_prefix_is_not_known(service: Service) -> None:
    row, _ = issued(service)
    body = "a" * 43
    with pytest.raises(Unauthenticated, match="not known here"):
        tokens.verify(service, f"jr_{row.id}_{body}{tokens._checksum(row.id, body)}")


def test_an_expired_one_is_refused(service: Service) -> None:
    _, text = issued(service, lease="1h")
    later(service, 3599.0)
    tokens.verify(service, text)
    later(service, 1.0)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(service, text)


def test_a_revoked_one_is_refused_at_once(service: Service) -> None:
    row, text = issued(service)
    admin = holder(service, role="admin")
    with service.store.writing() as rows:
        tokens.revoke(rows, admin, row.id, service.store.now())
        again = tokens.revoke(rows, admin, row.id, service.store.now() + 5)
    assert again.revoked == service.store.now()
    with pytest.raises(Unauthenticated, match="revoked"):
        tokens.verify(service, text)


def test_only_its_own_organisation_revokes_it(service: Service) -> None:
    row, text = issued(service)
    stranger = Principal(id="token:s", name="s", org="red", role="admin")
    with service.store.writing() as rows:
        with pytest.raises(NotFound):
            tokens.revoke(rows, stranger, row.id, service.store.now())
        with pytest.raises(Stale):
            tokens.revoke(rows, holder_of(row), row.id, service.store.now(), version=7)
    tokens.verify(service, text)


def holder_of(row: TokenRow) -> Principal:
    return Principal(id=f"token:{row.id}", name=row.name, org=row.org, role="admin")


def make(service: Service, who: Principal, **request: Any) -> Principal:
    with service.store.writing() as rows:
        made = tokens.make(rows, who, TokenRequest(name="new", **request), service.store.now())
    return tokens.verify(service, made.token)


def test_an_administrator_makes_tokens_of_every_role(service: Service) -> None:
    admin = holder(service, role="admin", lease="100d")
    for role in ROLES:
        assert make(service, admin, role=role, lease="1d").role == role


@pytest.mark.parametrize("scopes", [("tokens.write",), ("tokens.write", "ranges.read"), ("tokens.write", "runs.write")])
@pytest.mark.parametrize("role", list(ROLES))
def test_no_token_makes_one_that_may_more_than_itself(service: Service, scopes: tuple[str, ...], role: str) -> None:
    limited = holder(service, role="admin", scopes=scopes, lease="100d")
    with pytest.raises(Forbidden, match="could do what you may not"):
        make(service, limited, role=role, lease="1d")
    for scope in ACTIONS:
        if scope in actions(limited):
            made = make(service, limited, role="admin", scopes=(scope,), lease="1d")
            assert actions(made) <= actions(limited)
        elif scope in ROLES["admin"]:
            with pytest.raises(Forbidden):
                make(service, limited, role="admin", scopes=(scope,), lease="1d")


def test_no_token_makes_one_that_lives_longer(service: Service) -> None:
    short = holder(service, role="admin", lease="1h")
    later(service, 600.0)
    assert make(service, short, lease="2h").expires == short.expires
    assert make(service, short).expires == short.expires
    assert make(service, short, lease="10m").expires == service.store.now() + 600.0


def test_no_token_makes_one_of_another_project_or_organisation(service: Service) -> None:
    mine = holder(service, role="admin", project="ics", lease="100d")
    assert make(service, mine, role="viewer", lease="1d").project == "ics"
    with pytest.raises(Forbidden, match="project ics"):
        make(service, mine, role="viewer", project="web", lease="1d")
    with pytest.raises(NotFound, match="no organisation red"):
        make(service, holder(service, role="admin"), org="red", lease="1d")
    with pytest.raises(NotFound, match="no project web"):
        make(service, holder(service, role="admin", lease="100d"), project="web", lease="1d")


def test_an_administrator_of_the_installation_makes_them_for_others(service: Service) -> None:
    root = Principal(id="token:root", name="root", org="", role="admin")
    made = make(service, root, org="red", role="admin", project="ics")
    assert (made.org, made.project) == ("red", "ics")
    assert "organisations.write" in actions(make(service, root, role="admin"))
    with pytest.raises(NotFound, match="no organisation green"):
        make(service, root, org="green")


def test_an_unknown_scope_is_named(service: Service) -> None:
    with pytest.raises(Invalid, match=r"ranges\.raed") as caught:
        issued(service, scopes=("ranges.read", "ranges.raed"))
    assert "ranges.read" in caught.value.problems[0].hint


def test_use_is_noted_at_most_once_a_minute_and_never_by_verify(service: Service) -> None:
    timed: Any = service.store
    row, text = issued(service)
    timed.wrote.clear()
    tokens.verify(service, text)
    assert timed.wrote == []

    def used() -> tuple[float, int]:
        with service.store.reading() as rows:
            found = rows.get(TokenRow, row.id)
        assert found is not None
        return found.last_used, found.version

    tokens.touch(service, row.id)
    first = service.store.now()
    assert used() == (first, 1), "and the version, its ETag, stays"
    later(service, 59.0)
    tokens.touch(service, row.id)
    assert used() == (first, 1)
    later(service, 1.0)
    tokens.touch(service, row.id)
    assert used() == (first + 60.0, 1)
    tokens.touch(service, "nobody")


def test_the_first_token_may_do_everything_is_made_once_and_audited_once(service: Service) -> None:
    with service.store.writing() as rows:
        text = tokens.first(rows, service.store.now())
    assert text is not None
    who = tokens.verify(service, text)
    assert (who.org, who.role, actions(who)) == ("", "admin", frozenset(ACTIONS))
    with service.store.writing() as rows:
        assert tokens.first(rows, service.store.now()) is None
    with service.store.reading() as rows:
        told = [(one.action, one.subject, one.actor, one.org) for one in rows.audit(0, 10)]
    assert told == [("tokens.issue", f"token/{tokens.well_formed(text)}", "serve", "")]


def test_making_and_revoking_are_in_the_audit_log(service: Service) -> None:
    row, _ = issued(service, role="viewer", project="ics")
    with service.store.writing() as rows:
        tokens.revoke(rows, holder_of(row), row.id, service.store.now())
        told = [(one.action, one.subject, one.actor) for one in rows.audit(0, 10)]
    assert told == [
        ("tokens.issue", f"token/{row.id}", "token:first"),
        ("tokens.revoke", f"token/{row.id}", f"token:{row.id}"),
    ]
