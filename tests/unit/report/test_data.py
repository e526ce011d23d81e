"""A result as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.errors import Invalid
from range.report.data import from_json, schema, schema_text, to_json
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

ROOT = Path(__file__).resolve().parents[3]
STEP = an_action("sqli")
TIMES = st.floats(0, 4e9)


def test_the_demonstration_comes_back_equal() -> None:
    result = a_demo_result()
    text = to_json(result)
    assert from_json(text) == result
    assert to_json(from_json(text)) == text
    assert json.loads(text)["schema"] == "jointrange.result/2"


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
    text = to_json(a_demo_result()).replace("jointrange.result/2", "jointrange.result/9")
    with pytest.raises(Invalid, match="schema"):
        from_json(text)


def test_the_schema_names_the_version_and_every_part_of_a_result() -> None:
    made = schema()
    assert made["$id"] == "urn:jointrange.result/2"
    assert "jointrange.result/2" in json.dumps(made["properties"])
    assert json.loads(to_json(a_demo_result())).keys() == set(made["properties"])  # type: ignore[call-overload]


def test_the_published_schema_is_the_one_that_holds() -> None:
    published = ROOT / "docs/schemas/result-2.json"
    assert published.read_text(encoding="utf-8") == schema_text(), "jointrange topology schema --kind result > it"
