"""suricata-verify's test.yaml. The tests were written for these tests, in its format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.foreign import foreign
from range.importing import replay
from range.importing.items import Defaults, Document, Item
from range.importing.overlay import Overlay

FILE = Path(__file__).parents[2] / "imports" / "suricata" / "one-alert" / "test.yaml"
HERE = Defaults(technique="T1071")
ALERT = {"event_type": "alert", "alert.signature_id": 7}


def read(*checks: object, beside: tuple[str, ...] = ("input.pcap",), here: Defaults = HERE, **keys: object) -> Item:
    value = {"checks": list(checks), **keys}
    (item,) = replay.read(Document("tests/one/test.yaml", value, dict.fromkeys(beside, 1)), Overlay(), here)
    return item


def test_a_test_with_its_pcap() -> None:
    (document,) = foreign(FILE).documents
    document = Document(document.file, document.value, {**document.beside, "input.pcap": 24, "test.rules": 3})
    assert replay.looks(document)
    (item,) = replay.read(document, Overlay(), HERE)
    step = item.step
    assert step is not None
    assert (step.id, step.replay, step.run) == ("replay-one-alert", "replay/one-alert.pcap", None)
    assert item.files == {"replay/one-alert.pcap": "input.pcap"}
    assert step.expect is not None
    assert (step.expect.rules, step.expect.never) == (("1000001",), ("1000002",))
    for part in ("check 1: `src_port` is not compared", "check 3 is not taken: it is about `http` events",
                 "check 4 (`shell`) is not taken", "`args` of Suricata", "test.rules is not carried"):  # fmt: skip
        assert any(part in what for what in item.limits), item.limits


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        ({"count": 1, "match": {"event_type": "alert"}}, "names no rule"),
        ({"count": 1, "match": {"event_type": "alert", "alert.signature_id": ">7"}}, "names no rule"),
        ({"count": 1, "match": {**ALERT, "event_type": "dns"}}, "about `dns` events"),
        ({"count": "x", "match": ALERT}, "is no number"),
        ({"count": 0, "match": {**ALERT, "src_ip": "10.0.0.1"}}, "silent about one thing only"),
        ({"count": 1, "filename": "fast.log", "match": ALERT}, "about the file `fast.log`"),
        ({"count": 1}, "about `any` events"),
    ],
)
def test_a_check_that_is_not_about_a_rule_is_told(filters: dict[str, object], part: str) -> None:
    alone, beside_another = read({"filter": filters}), read({"filter": filters}, {"filter": {"match": ALERT}})
    assert alone.step is None
    assert beside_another.step is not None
    assert any(part in what for what in beside_another.limits)


def test_counts_are_checked_as_present_or_absent() -> None:
    item = read({"filter": {"count": 3, "match": ALERT}}, {"filter": {"count": 0, "match": ALERT}})
    assert item.step is not None
    assert item.step.expect is not None
    assert (item.step.expect.rules, item.step.expect.never) == (("7",), ())
    assert any("`count: 3`" in what for what in item.limits)
    assert any("7 is absent elsewhere" in what for what in item.limits)


def test_a_newer_format_of_recordings_is_told() -> None:
    item = read({"filter": {"match": ALERT}}, beside=("input.pcapng",))
    assert any("may be pcapng" in what for what in item.limits)


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"beside": ()}, "there is no pcap"),
        ({"beside": ("a.pcap", "b.pcap")}, "several pcaps"),
        ({"pcap": False}, "plays no pcap"),
        ({"pcap": "../other/input.pcap"}, "is not beside it"),
        ({"requires": {"pcap": False}}, "plays no pcap"),
        ({"here": Defaults()}, "--technique"),
    ],
)
def test_what_is_refused_and_why(keys: dict[str, object], part: str) -> None:
    item = read({"filter": {"match": ALERT}}, **keys)  # type: ignore[arg-type]
    assert item.step is None
    assert any(part in why for why in item.refused), item.refused


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["filter", "match", "count", "event_type", "requires"]), inner, max_size=4)
    ),
    max_leaves=9,
)


@given(VALUES, VALUES)
def test_no_document_makes_it_raise(check: object, requires: object) -> None:
    item = read(check, requires=requires)
    assert (item.step is None) == bool(item.refused)
