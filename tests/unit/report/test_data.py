"""A result as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.errors import Invalid
from range.report.data import from_json, schema, to_json
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")
TIMES = st.floats(0, 4e9)


def test_the_demonstration_comes_back_equal() -> None:
    result = a_demo_result()
    text = to_json(result)
    assert from_json(text) == result
    assert to_json(from_json(text)) == text
    assert json.loads(text)["schema"] == "jointrange.result/1"


@given(st.text(), TIMES, TIMES, st.none() | st.integers(0, 65535))
def test_any_words_and_times_come_back_equal(words: str, start: float, seen: float, port: int | None) -> None:
    step = replace(STEP, stdout=words, title=words, start=start, end=start + 0.1, exit_code=port)
    alert = an_alert(step, raw=words, text=words, seen=seen)
    result = a_result(a_control(STEP), a_trial(step, alerts=(alert,)), notes=(words,))
    assert from_json(to_json(result)) == result


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "jointrange.result/2"}', "\x00"])
def test_another_text_is_refused_with_its_faults(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_json(text, "old.json")
    assert str(caught.value).startswith("old.json:1:1: ")


def test_another_version_is_named() -> None:
    text = to_json(a_demo_result()).replace("jointrange.result/1", "jointrange.result/9")
    with pytest.raises(Invalid, match="schema"):
        from_json(text)


def test_the_schema_names_the_version() -> None:
    assert "jointrange.result/1" in json.dumps(schema())
