"""Versions on the wire: which If-None-Match names an ETag, and which If-Match names a version."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from api.etags import fresh, tag, unchanged, wanted
from api.idempotency import Answer


@pytest.mark.parametrize(
    ("sent", "same"),
    [(None, False), ("", False), ('"8"', False), ('"9"', True), ('W/"9"', True), ('"1", W/"9"', True), ("*", True)],
)
def test_if_none_match(sent: str | None, same: bool) -> None:
    assert unchanged(sent, tag(9)) is same
    answer = fresh(Answer(200, None, {"ETag": tag(9)}), sent)
    assert answer.status_code == (304 if same else 200)
    assert answer.headers["etag"] == '"9"'


def test_if_match() -> None:
    assert wanted(tag(9, "q2")) == 9
    assert wanted("*", needed=True) is wanted(None) is None
    for sent, status in ((None, 428), ('"abc"', 412)):
        with pytest.raises(HTTPException) as caught:
            wanted(sent, needed=True)
        assert caught.value.status_code == status
