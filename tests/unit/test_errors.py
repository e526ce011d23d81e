"""Errors say what happened, where, and what to do."""

from __future__ import annotations

from range.errors import Invalid, NodeFailed, NotFound, Problem, ProvisionFailed, RangeError, Where


def test_a_hint_stands_beside_the_message() -> None:
    error = NotFound("there is no node x", hint="it has y")
    assert (str(error), error.hint) == ("there is no node x", "it has y")


def test_without_words_the_docstring_speaks() -> None:
    assert str(NotFound()) == "There is nothing of that name."
    assert all(str(kind()) for kind in RangeError.__subclasses__() if kind is not Invalid)


def test_faults_of_a_file_are_in_order_each_with_its_position() -> None:
    error = Invalid([Problem(Where("b.yaml", 2, 3), "later"), Problem(Where("a.yaml", 9, 1), "first", "do this")])
    assert [problem.what for problem in error.problems] == ["first", "later"]
    assert str(error) == "a.yaml:9:1: first\n    hint: do this\nb.yaml:2:3: later"


def test_some_errors_carry_more() -> None:
    assert (NodeFailed("x", node="n", log="l").node, NodeFailed("x", node="n", log="l").log) == ("n", "l")
    failed = ProvisionFailed("x", host="h", task="t")
    assert (failed.host, failed.task) == ("h", "t")
