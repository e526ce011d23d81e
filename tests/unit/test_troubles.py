"""An error is told in one way, kept in a row in the same, and comes back as what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from range import errors
from range.errors import Invalid, NodeFailed, Problem, QuotaExceeded, RangeError, Stale, Where
from range.exits import BAD_INPUT, INFRASTRUCTURE, code
from range.troubles import STATUS, error_of, keepable, kept, kind_of, reason_of, status_of, trouble_of
from range.wire import Trouble


def below(kind: type[RangeError]) -> Iterator[type[RangeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def a(kind: type[RangeError]) -> RangeError:
    if kind is Invalid:
        return Invalid([Problem(Where("a.yaml", 3, 7), "no such key", "did you mean `b`?")])
    if kind is QuotaExceeded:
        return QuotaExceeded("full", limit="ranges", allowed=2, used=2, room_at=9.5, hint="do this")
    return NodeFailed("it died", log="line", hint="do this") if kind is NodeFailed else kind("what", hint="do this")


def test_every_error_has_a_status() -> None:
    kinds = {kind for kind in below(RangeError) if kind.__module__ == errors.__name__}
    assert len(kinds) >= 17
    assert kinds | {RangeError} == set(STATUS)


@pytest.mark.parametrize("kind", sorted(STATUS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_error_can_be_told_kept_and_comes_back(kind: type[RangeError]) -> None:
    error = a(kind)
    trouble = trouble_of(error, "/v1/x")
    assert trouble.status == status_of(error) >= 400
    assert (trouble.error, trouble.exit, trouble.instance) == (kind.__name__, code(error), "/v1/x")
    assert trouble.type == f"urn:jointrange:error:{kind.__name__}"
    assert trouble.title
    row = json.loads(json.dumps(keepable(error)))
    assert kept(row) == trouble.model_copy(update={"instance": ""}), "one account, wherever it is told"
    back = error_of(trouble)
    assert (type(back), str(back), back.hint) == (kind, str(error), error.hint)
    assert code(back) == trouble.exit


def test_positions_limits_and_logs_come_back() -> None:
    [problem] = error_of(trouble_of(a(Invalid))).problems  # type: ignore[attr-defined]
    assert problem == Problem(Where("a.yaml", 3, 7), "no such key", "did you mean `b`?")
    quota = error_of(trouble_of(a(QuotaExceeded)))
    assert isinstance(quota, QuotaExceeded)
    assert (quota.limit, quota.allowed, quota.used, quota.room_at) == ("ranges", 2, 2, 9.5)
    node = error_of(trouble_of(a(NodeFailed)))
    assert isinstance(node, NodeFailed)
    assert node.log == "line"


def test_positions_are_told_and_bounded() -> None:
    trouble = trouble_of(Invalid([Problem(Where("a.yaml", line, 3), "wrong", "mend it") for line in range(1, 500)]))
    assert len(trouble.errors) == 100
    assert trouble.detail == "499 faults; the first 100 are listed"
    assert (trouble.errors[0].line, trouble.errors[0].column, trouble.errors[0].hint) == (1, 3, "mend it")


def test_what_is_none_of_ours_is_a_fault() -> None:
    trouble = trouble_of(ValueError("a bug"))
    assert (trouble.error, trouble.status, trouble.exit) == ("Fault", 500, INFRASTRUCTURE)
    assert trouble.detail == "ValueError: a bug"
    back = error_of(trouble)
    assert (type(back), str(back)) == (RangeError, "ValueError: a bug")


def test_who_names_no_error_is_told_by_the_status() -> None:
    newer = Trouble(type="about:blank", title="t", status=409, detail="what", error="SomethingNew")
    assert type(error_of(newer)) is errors.Conflict
    assert str(error_of(Trouble(type="about:blank", title="It broke.", status=500, detail="what"))) == "It broke: what"
    assert (kind_of(404), kind_of(418)) == (errors.NotFound, None)


OLDER = {
    "type": "urn:jointrange:error:Stale", "title": "t", "status": 500, "detail": "it changed\nand more",
    "error": "Stale", "hint": "", "exit": 3, "log": "",
}  # fmt: skip
"""As rows were written before limits were kept."""


def test_what_older_code_kept_can_be_read() -> None:
    assert kept(None) is None
    older = kept(OLDER)
    assert older is not None
    assert (older.exit, older.limit, type(error_of(older))) == (3, "", Stale)
    assert trouble_of(Stale()).exit == BAD_INPUT
    bare = kept({"detail": "it broke"})
    assert bare is not None
    assert (bare.title, bare.status, bare.detail) == ("it failed", 500, "it broke")
    odd = kept({"detail": "it broke", "strange": 1, "title": "t"})
    assert odd is not None
    assert (odd.title, odd.detail) == ("it failed", "it broke")


def test_a_reason_is_one_line() -> None:
    assert reason_of(None) == ""
    assert reason_of(OLDER) == "it changed"
    assert reason_of(keepable(a(Invalid))) == "a.yaml:3:7: no such key"
    two = Invalid([Problem(Where("a.yaml", 3, 7), "this"), Problem(Where("b.yaml"), "that")])
    assert reason_of(keepable(two)) == "a.yaml:3:7: this; and more"
