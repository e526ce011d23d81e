"""Tickets for consoles: good once, for seconds, and only while the range is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import Conflict, NotFound, Unauthenticated
from range.rows import RangeRow, TicketRow, TokenRow
from range.service import consoles, tokens
from range.service.consoles import GOOD, SHELL
from range.stores import Store
from range.wire import TokenRequest
from tests.unit.service.worlds import WHO, World, a_world


@pytest.fixture
def up(store: Store, tmp_path: Path) -> tuple[World, RangeRow]:
    made = a_world(store, tmp_path)
    row = RangeRow(id="r-1", org="org", created=1.0, name="blue", topology=made.topology(), status="up")
    with store.writing() as rows:
        rows.add(row)
    return made, row


def issued(made: World, row: RangeRow, node: str = "one", argv: tuple[str, ...] = ()) -> str:
    with made.service.store.writing() as rows:
        view = consoles.issue(rows, made.service, WHO, row, node, argv)
    assert view.expires == pytest.approx(made.service.store.now() + GOOD, abs=5)
    return view.path.rpartition("/")[2]


def test_a_ticket_is_taken_once(up: tuple[World, RangeRow]) -> None:
    made, row = up
    ticket = issued(made, row, argv=("top",))
    taken = consoles.take(made.service, ticket)
    assert (taken.range_id, taken.node, taken.argv, taken.actor) == ("r-1", "one", ("top",), WHO.id)
    with pytest.raises(Unauthenticated):
        consoles.take(made.service, ticket)


def test_a_ticket_is_not_kept_as_it_is(up: tuple[World, RangeRow]) -> None:
    made, row = up
    ticket = issued(made, row)
    with made.service.store.reading() as rows:
        [kept] = rows.find(TicketRow)
    assert ticket not in repr(kept)
    assert kept.argv == SHELL


def test_a_ticket_is_good_for_seconds(up: tuple[World, RangeRow]) -> None:
    made, row = up
    old = issued(made, row)
    made.shifted.shift += GOOD + 1
    with pytest.raises(Unauthenticated):
        consoles.take(made.service, old)
    issued(made, row)
    issued(made, row)
    with made.service.store.reading() as rows:
        assert rows.count(TicketRow) == 2, "those that are no longer good are swept"


def test_an_unknown_ticket_says_nothing(up: tuple[World, RangeRow]) -> None:
    for word in ("", "x", "é" * 50, "a" * 10_000):
        with pytest.raises(Unauthenticated):
            consoles.take(up[0].service, word)


def test_only_for_nodes_of_a_range_that_is_up(up: tuple[World, RangeRow]) -> None:
    made, row = up
    with pytest.raises(NotFound) as caught:
        issued(made, row, "on")
    assert "`one`" in caught.value.hint
    for change in (
        {"status": "queued"},
        {"status": "gone"},
        {"status": "failed"},
        {"desired": "gone"},
        {"claimed": False},
    ):
        with made.service.store.writing() as rows:
            changed = rows.change(RangeRow, "r-1", **{"status": "up", "desired": "up", **change})
        with pytest.raises(Conflict):
            issued(made, changed)


def test_a_range_that_goes_is_over(up: tuple[World, RangeRow]) -> None:
    made, row = up
    with made.service.store.writing() as rows:
        assert consoles.over(rows, row.id) == ""
        assert consoles.over(rows, "r-none") == "the range is gone"
        rows.change(RangeRow, row.id, desired="gone")
        assert consoles.over(rows, row.id) == "the range is stopping"
        rows.change(RangeRow, row.id, status="gone")
        assert consoles.over(rows, row.id) == "the range is gone"


def test_a_console_lasts_no_longer_than_its_sign_in(up: tuple[World, RangeRow]) -> None:
    made, row = up
    with made.service.store.writing() as rows:
        ask = TokenRequest(name="x", role="operator", lease="1h")
        token, _ = tokens.issue(rows, "test", "org", ask, 1000.0)
        who = replace(WHO, id=f"token:{token.id}", expires=token.expires)
        ticket = consoles.issue(rows, made.service, who, row, "one", ()).path.rpartition("/")[2]
    taken = consoles.take(made.service, ticket)
    jwt = replace(taken, actor="oidc:https://a.example#ann", until=2000.0)
    with made.service.store.writing() as rows:
        assert consoles.over_for(rows, taken, 1001.0) == ""
        assert consoles.over_for(rows, taken, 1000.0 + 3600.0) == "your sign-in has expired"
        assert consoles.over_for(rows, jwt, 1999.0) == ""
        assert consoles.over_for(rows, jwt, 2000.0) == "your sign-in has expired"
        rows.change(TokenRow, token.id, revoked=1002.0)
        assert consoles.over_for(rows, taken, 1003.0) == "your token was revoked"
        rows.remove(TokenRow, token.id)
        assert consoles.over_for(rows, taken, 1003.0) == "your token was revoked"


def test_who_asked_is_in_the_audit_log(up: tuple[World, RangeRow]) -> None:
    made, row = up
    issued(made, replace(row))
    with made.service.store.reading() as rows:
        last = rows.audit(0, 100)[-1]
    assert (last.actor, last.action, last.subject) == (WHO.id, "ranges.exec", "range/r-1")
    assert last.detail["node"] == "one"
