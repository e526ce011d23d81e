"""How the client speaks HTTP: what it tries again, what it never does, and that its token is not to be seen."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from range.client.transport import Transport, word
from range.errors import Exhausted, QuotaExceeded, Refused, ServiceUnavailable, Stale, Unauthenticated
from range.wire import Extension, Page, RangeView
from tests.unit.client.answering import Hang, Say, a_range, answering, body, trouble
from tests.unit.client.conftest import Reach

AT = "/v1/ranges/r-1"


def test_a_get_is_tried_again_and_says_who_asks(reach: Reach) -> None:
    with answering({AT: [Hang(), Say(503), body(a_range())]}) as told:
        assert reach(told.url, "secret").get(AT, RangeView) == a_range()
    assert len(told.asked) == 3
    assert told.asked[0].headers["authorization"] == "Bearer secret"
    assert told.asked[0].headers["user-agent"].startswith("jointrange/")


def test_a_post_keeps_its_key_and_two_posts_have_two(reach: Reach) -> None:
    with answering({"*": [Hang(), trouble(503, "StoreUnavailable"), body(a_range())]}) as told:
        to = reach(told.url)
        to.post(AT, RangeView, Extension(lease="2h"))
        to.post(AT, RangeView, Extension(lease="2h"))
    keys = [one.headers["idempotency-key"] for one in told.asked]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    assert told.asked[0].body == b'{"lease":"2h"}'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_is_not_safe_is_sent_once(reach: Reach, method: str) -> None:
    with answering({AT: [Hang(), body(a_range())]}) as told, pytest.raises(ServiceUnavailable):
        reach(told.url).change(method, AT, RangeView, etag='"3"')
    assert len(told.asked) == 1
    assert told.asked[0].headers["if-match"] == '"3"'


@pytest.mark.parametrize("say", [trouble(429, "QuotaExceeded"), trouble(412, "Stale"), trouble(401, "Unauthenticated")])
def test_a_refusal_is_final(reach: Reach, say: Say) -> None:
    with answering({AT: [say]}) as told, pytest.raises((QuotaExceeded, Stale, Unauthenticated)):
        reach(told.url).get(AT, RangeView)
    assert len(told.asked) == 1


def test_who_has_no_token_is_told_where_one_goes(reach: Reach) -> None:
    with answering({AT: [trouble(401, "Unauthenticated")]}) as told:
        for token, named in (("", True), ("jr_wrong", False)):
            with pytest.raises(Unauthenticated) as caught:
                reach(told.url, token).content(AT)
            assert ("JOINTRANGE_TOKEN" in caught.value.hint) is named


@pytest.mark.timeout(10, func_only=True)
def test_patience_ends(reach: Reach) -> None:
    later = Say(503, headers={"retry-after": "100"})
    with answering({AT: [later]}) as told, pytest.raises(ServiceUnavailable, match="503"):
        reach(told.url, patience=2.0).get(AT, RangeView)
    assert len(told.asked) > 1


@pytest.mark.timeout(10, func_only=True)
def test_nobody_there_is_told_soon(reach: Reach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(ServiceUnavailable, match="does not answer") as caught:
        reach(f"http://127.0.0.1:{port}").get(AT, RangeView)
    assert "jointrange serve" in caught.value.hint


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "http://me:pw@x", "http://x?y=1"])
def test_what_is_no_address(reach: Reach, url: str) -> None:
    with pytest.raises(Refused, match="no address"):
        reach(url)


@pytest.mark.parametrize("token", ["jr_ab cd", "jr_\u00e9", "jr_a\nb", "jr_a\x00"])
def test_a_token_that_cannot_be_one_is_refused_unseen(token: str) -> None:
    with pytest.raises(Refused) as refused:
        Transport("http://localhost:1", token)
    assert "jr_" not in f"{refused.value} {refused.value.hint}"


def test_blanks_around_a_token_are_no_part_of_it(reach: Reach) -> None:
    with answering({"*": [Say(200, b"{}")]}) as told:
        reach(told.url, "jr_abc\r\n").content("/v1/me")
    assert told.asked[0].headers["authorization"] == "Bearer jr_abc"


def test_a_redirect_does_not_take_the_token_along(reach: Reach) -> None:
    with answering({"*": [body(a_range())]}) as other:
        elsewhere = Say(307, headers={"location": f"{other.url}{AT}"})
        with answering({AT: [elsewhere]}) as told, pytest.raises(ServiceUnavailable, match="leads elsewhere"):
            reach(told.url, "secret").get(AT, RangeView)
    assert other.asked == []


def test_the_token_is_not_to_be_seen(reach: Reach, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with answering({AT: [trouble(404, "NotFound", detail="none")]}) as told:
        to = reach(told.url, "s3cr3t")
        with pytest.raises(Exception, match="none") as caught:
            to.get(AT, RangeView)
    assert caplog.records, "httpx logs what it asks"
    assert "s3cr3t" not in caplog.text + repr(to) + repr(caught.value)


def test_pages_are_read_to_the_end(reach: Reach) -> None:
    first = Page[RangeView](items=(a_range(id="a"), a_range(id="b")), next="c 1")
    with answering({"/v1/ranges": [body(first), body(Page[RangeView](items=(a_range(id="c"),)))]}) as told:
        assert [one.id for one in reach(told.url).pages("/v1/ranges", RangeView)] == ["a", "b", "c"]
    assert [one.path for one in told.asked] == ["/v1/ranges", "/v1/ranges?cursor=c+1"]


def test_an_answer_that_is_not_understood(reach: Reach) -> None:
    with answering({AT: [Say(200, b"<html>")]}) as told, pytest.raises(ServiceUnavailable, match="understands"):
        reach(told.url).get(AT, RangeView)


def test_a_file_is_there_whole_or_not_at_all(reach: Reach, tmp_path: Path) -> None:
    with answering({"/f": [Say(200, b"half", torn=True), Say(200, b"whole")]}) as told:
        assert reach(told.url).save("/f", tmp_path / "in" / "f").read_bytes() == b"whole"
        (tmp_path / "no").touch()
        with pytest.raises(Exhausted, match="cannot write"):
            reach(told.url).save("/f", tmp_path / "no" / "f")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["f"]


def test_closing_ends_the_waiting(reach: Reach) -> None:
    with answering({AT: [Say(503)]}) as told:
        to = reach(told.url)
        to.close()
        with pytest.raises((ServiceUnavailable, RuntimeError)):
            to.get(AT, RangeView)


def test_words_of_a_path() -> None:
    assert word("office@3fa9c1") == "office@3fa9c1"
    assert word("../a b/c?") == "..%2Fa%20b%2Fc%3F"
