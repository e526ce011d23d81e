"""All output files of a result."""

from __future__ import annotations

import json
import re
from pathlib import Path

from range.bundle.names import RESULT
from range.report.data import from_json
from range.report.outputs import outputs
from tests.builders import a_demo_result, a_result

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
    "result.json", "report.html", "report.md", "junit.xml", "results.sarif", "navigator.json", "findings.ocsf.jsonl",
    "results.stix.json", "attire.json",
)  # fmt: skip


def test_every_file_is_made_and_ends_its_last_line() -> None:
    made = outputs(a_demo_result())
    assert tuple(made) == NAMES
    assert RESULT in made
    assert all(text.endswith("\n") for text in made.values())
    assert all(text.encode("utf-8") for text in made.values())


def test_an_empty_campaign_has_every_file_too() -> None:
    made = outputs(a_result())
    assert tuple(made) == NAMES
    assert [name for name, text in made.items() if not text] == ["findings.ocsf.jsonl"]


def test_the_same_result_gives_the_same_texts_also_when_it_was_read_back() -> None:
    result = a_demo_result()
    made = outputs(result)
    assert outputs(from_json(made["result.json"])) == made


def test_what_claims_to_be_json_is() -> None:
    made = outputs(a_demo_result())
    for name, text in made.items():
        if name.endswith((".json", ".sarif")):
            assert json.loads(text)


def test_the_excerpts_of_the_page_were_really_produced() -> None:
    """Line by line, indentation apart, as they follow each other in some output of the demonstration."""
    page = (ROOT / "docs/outputs.md").read_text(encoding="utf-8")
    excerpts = re.findall(r"^```(?:xml|json)\n(.*?)^```$", page, re.M | re.S)
    made = ["\n" + _plain(text) for text in outputs(a_demo_result(attack="18")).values()]
    assert len(excerpts) >= 4
    for excerpt in excerpts:
        assert any("\n" + _plain(excerpt).rstrip("\n") in text for text in made), excerpt


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs/outputs.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []


def _plain(text: str) -> str:
    return re.sub(r"^ +", "", text, flags=re.M)
