"""JSON of others is parsed when it is small enough, whatever its bytes say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.provisioner.bounded import parsed
from tests.unit.provisioner.fakes import measured

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_what_is_small_is_parsed(value: object) -> None:
    data = json.dumps(value).encode()
    assert parsed(data, len(data)) == value


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", "{}".encode("utf-16"), b"[" * 90_000, b"7" * 9000], ids=range(6))
def test_what_cannot_be_parsed_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(data, 100_000)


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b'{"a":[', b"[["])
def test_what_would_be_much_is_not_begun(part: bytes) -> None:
    data = b"[" + part * 100_000
    with measured() as memory:
        with pytest.raises(ValueError, match="more than 1000 values"):
            parsed(data, 1000)
        assert memory()[1] < 100_000
