"""go-ftw's YAML. The tests were written for these tests, in its format."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.foreign import foreign
from range.importing import ftw
from range.importing.items import Defaults, Document, Item
from range.importing.overlay import Overlay

FILE = Path(__file__).parents[2] / "imports" / "ftw" / "942100.yaml"
INPUT = {"dest_addr": "127.0.0.1", "headers": {"Host": "localhost"}, "uri": "/"}


def read(sent: object = INPUT, wanted: object = None, known: Overlay | None = None) -> Item:
    stage = {"input": sent, "output": wanted or {"log": {"expect_ids": [1]}}}
    value = {"rule_id": 7, "tests": [{"test_id": 1, "stages": [stage]}]}
    (item,) = ftw.read(Document("f", value), known or Overlay(), Defaults())
    return item


def test_a_file_of_a_rule() -> None:
    (document,) = foreign(FILE).documents
    assert ftw.looks(document)
    items = ftw.read(document, Overlay(), Defaults())
    assert [(item.name, item.outcome) for item in items] == [
        ("942100-1", "taken"), ("942100-2", "taken"), ("942100-3-1", "limited"), ("942100-3-2", "refused"),
    ]  # fmt: skip
    one, two, three = (item.step for item in items[:3])
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one.id, one.technique, str(one.from_), str(one.target)) == (
        "ftw-942100-1",
        "T1190",
        "role attacker",
        "role web",
    )
    assert one.expect is not None
    assert two.expect is not None
    assert (one.expect.rules, one.expect.never) == (("942100",), ())
    assert (two.expect.rules, two.expect.never) == ((), ("942100",))
    assert "POST /search HTTP/1.1" in str(one.run)
    assert "b'GET /healthz HTTP/1.0\\r\\n\\r\\n'" in str(three.run)
    assert one.nonce == ()
    assert items[3].refused == ("the protocol `https`: only http is sent",)


@pytest.mark.parametrize(
    ("wanted", "said", "achieved"),
    [
        ({}, "STATUS 200 \nHTTP/1.1 200 OK\n", True),
        ({}, "STATUS 404 \n", True),
        ({}, "STATUS 403 \n", False),
        ({}, "STATUS none [Errno 104] reset\n", False),
        ({"status": 403}, "STATUS 403 \n", False),
        ({"expect_error": True}, "STATUS 200 \n", True),
        ({"status": 400}, "STATUS 400 \n", True),
        ({"status": 400}, "STATUS 200 \n", False),
        ({"response_contains": "Hello, (World|you)"}, "STATUS 200 \n\n\nHello, you", True),
        ({"response_contains": "Hello"}, "STATUS 200 \nBye", False),
        ({"status": 200, "response_contains": "^A$"}, "STATUS 200 \nB\nA\n", True),
    ],
)
def test_the_effect_is_that_the_server_behind_answers(wanted: dict[str, object], said: str, achieved: bool) -> None:
    item = read(wanted={**wanted, "log": {"expect_ids": [1]}})
    assert item.step is not None
    assert item.step.effect.output is not None
    assert bool(re.search(item.step.effect.output, said)) is achieved


@pytest.mark.parametrize(
    ("sent", "wanted", "part"),
    [
        ({**INPUT, "save_cookie": True}, None, "`save_cookie`"),
        ({**INPUT, "follow_redirect": True}, None, "`follow_redirect`"),
        ({**INPUT, "uris": ["/a"]}, None, "`uris`"),
        ({**INPUT, "response": {"status": 302}}, None, "`response`"),
        ({**INPUT, "dest_addr": "example.com"}, None, "not to the server under test"),
        ({**INPUT, "port": "x"}, None, "no port"),
        ({**INPUT, "port": 0}, None, "no port"),
        ({"encoded_request": "?"}, None, "not base64"),
        (None, None, "no `input`"),
        (INPUT, {"status": 200}, "expects nothing of any rule"),
        (INPUT, {"log": {"expect_ids": [1]}, "response_contains": "("}, "missing )"),
    ],
)
def test_what_is_refused_and_why(sent: object, wanted: object, part: str) -> None:
    item = read(sent, wanted)
    assert item.step is None
    assert any(part in why for why in item.refused), item.refused


def test_the_old_way_to_name_a_rule_is_understood() -> None:
    item = read(wanted={"log_contains": 'id "920100"', "no_log_contains": 'id "920101"'})
    assert item.step is not None
    assert item.step.expect is not None
    assert (item.step.expect.rules, item.step.expect.never) == (("920100",), ("920101",))


def test_what_is_not_checked_is_told() -> None:
    item = read(
        wanted={"log": {"expect_ids": [1], "match_regex": "x.*y"}, "isolated": True, "retry_once": True, "status": 403}
    )
    assert [what.split("`")[1] if "`" in what else what[:8] for what in item.limits] == [
        "match_regex: x.*y", "isolated", "retry_once", "that the",
    ]  # fmt: skip


def test_the_overlay_may_deny_and_pin() -> None:
    assert read(known=Overlay.model_validate({"tests": {"7-1": {"safe": "deny"}}})).refused == (
        "the overlay denies it",
    )
    assert "its sha256 is" in read(known=Overlay.model_validate({"tests": {"7-1": {"sha256": "0" * 64}}})).refused[0]


def test_the_old_shape_of_a_stage_is_understood() -> None:
    stage = {"stage": {"input": INPUT, "output": {"log": {"expect_ids": [1]}}}}
    value = {"tests": [{"test_title": "920100-4", "stages": [stage]}, {"test_title": "920100-5", "stages": []}]}
    items = ftw.read(Document("f", value), Overlay(), Defaults())
    assert [(item.name, item.outcome) for item in items] == [("920100-4", "taken"), ("920100-5", "refused")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["log", "expect_ids", "status", "headers", "data", "port"]), inner, max_size=4
        )
    ),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from(["headers", "data", "port", "method", "uri", "version"]), VALUES), VALUES)
def test_no_document_makes_it_raise(sent: dict[str, object], wanted: object) -> None:
    item = read(sent, wanted)
    assert (item.step is None) == bool(item.refused)
