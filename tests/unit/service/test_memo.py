from __future__ import annotations

from range.service.memo import Memo


def test_a_value_is_made_once_while_there_is_room() -> None:
    memo, made = Memo(2), []

    def make(name: str) -> str:
        return memo.get(name, lambda: made.append(name) or name.upper())  # type: ignore[func-returns-value]

    assert [make(name) for name in "abaab"] == list("ABAAB")
    assert made == ["a", "b"]
    make("c")
    assert len(memo) == 2
    assert make("b") == "B"
    make("a")
    assert made == ["a", "b", "c", "a"]
