"""YAML into values that know where they were written; nothing but Invalid ever comes out of junk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.reading import BYTES_AT_MOST, parse
from range.errors import Invalid, Problem, Where

TEXT = b"""\
a: 1
b: [x, {c: 0644}]
d: &d
  e: true
f: *d
g:
h: yes
i: 1.5
"""


def test_values_are_read_as_yaml_1_2_reads_them() -> None:
    assert parse("f", TEXT).plain == {
        "a": 1, "b": ["x", {"c": "0644"}], "d": {"e": True}, "f": {"e": True}, "g": None, "h": "yes", "i": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", "1_000"), ("0x1f", "0x1f"), ("1:30", "1:30"), ("2020-01-01", "2020-01-01"), ("-7", -7),
        ("1e3", 1000.0), ("1e999", "1e999"), (".5", 0.5), ("9" * 30, "9" * 30), ("~", None), ("'7'", "7"),
        ("on", "on"), ("TRUE", True), (".inf", ".inf"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    found = parse("f", f"a: {text}".encode()).plain
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_the_order_of_keys_is_kept() -> None:
    plain = parse("f", b"z: 1\na: 2\nm: 3").plain
    assert isinstance(plain, dict)
    assert list(plain) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("path", "key", "line", "column"),
    [
        (("a",), False, 1, 4), (("a",), True, 1, 1), (("b",), False, 2, 1), (("b", 0), False, 2, 5),
        (("b", 1), False, 2, 8), (("b", 1, "c"), False, 2, 12), (("b", 1, "c"), True, 2, 9), (("g",), False, 6, 1),
        (("d", "nothing"), False, 3, 1), (("b", 9), False, 2, 1), ((), False, 1, 1), (("f", "e"), False, 4, 6),
    ],
)  # fmt: skip
def test_positions(path: tuple[str | int, ...], key: bool, line: int, column: int) -> None:
    assert parse("f", TEXT).at(path, key=key) == Where("f", line, column)


def test_what_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(Invalid, match="1 MiB"):
        parse("f", b"#" * (BYTES_AT_MOST + 1))


def test_bytes_that_are_no_text_are_told_with_their_place() -> None:
    with pytest.raises(Invalid) as caught:
        parse("f", b"a: 1\nb: \xff")
    assert caught.value.problems[0].where == Where("f", 2, 4)


def test_deep_nesting_and_anchors_that_unfold_are_refused() -> None:
    with pytest.raises(Invalid, match="deeper"):
        parse("f", b"[" * 100_000)
    deep = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(Invalid, match="deeper"):
        parse("f", deep.encode())


def test_an_anchor_inside_itself_is_refused() -> None:
    with pytest.raises(Invalid, match="no anchor"):
        parse("f", b"a: &a [*a]")


def test_many_keys_are_read_quickly_and_too_many_refused() -> None:
    assert len(str(parse("f", "\n".join(f"k{n}: 1" for n in range(4_000)).encode()).plain)) > 20_000
    with pytest.raises(Invalid, match="more than"):
        parse("f", ("[" + "1," * 30_000 + "]").encode())


marks = st.text(alphabet=st.sampled_from(list("ab:-[]{}#&*!|>'\"%@`,?<~ \n\t0.é\\\r\x00\x85\u2028")), max_size=40)


@given(st.one_of(st.binary(max_size=60), marks.map(str.encode), st.text(max_size=40).map(lambda t: t.encode("utf-8"))))
def test_junk_gives_a_value_or_invalid_with_a_position(content: bytes) -> None:
    for problem in problems_of(content):
        assert problem.what
        assert problem.where.line >= 1
        assert problem.where.column >= 1


def problems_of(content: bytes) -> tuple[Problem, ...]:
    try:
        parse("f", content)
    except Invalid as error:
        return error.problems or (Problem(Where("f"), ""),)
    return ()
