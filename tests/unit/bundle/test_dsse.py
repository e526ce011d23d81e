"""Envelopes: one text, the encoding of the specification, and securesystemslib reads them."""

from __future__ import annotations

import base64
import json

import pytest
from securesystemslib.dsse import Envelope as TheirEnvelope

from range.bundle.dsse import PAYLOAD_TYPE, Envelope, Signature, pae, parse

ONE = Signature("1" * 64, b"s" * 64, "a" * 64)
TWO = Signature("2" * 64, b"t" * 64, "b" * 64)


def test_what_is_signed_is_encoded_as_the_specification_says() -> None:
    assert pae(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"
    assert pae(b"") == b"DSSEv1 28 application/vnd.in-toto+json 0 "
    assert pae(b"\xff \n") == TheirEnvelope(b"\xff \n", PAYLOAD_TYPE, {}).pae()


def test_what_is_written_is_read_again() -> None:
    for envelope in (Envelope(b"{}"), Envelope(b"{}").signed(TWO).signed(ONE)):
        assert parse(bytes(envelope)) == envelope


def test_signatures_stand_by_key_id_and_each_key_signs_once() -> None:
    both = Envelope(b"{}").signed(TWO).signed(ONE)
    assert both == Envelope(b"{}").signed(ONE).signed(TWO)
    assert both.signed(Signature(ONE.keyid, b"u" * 64, ONE.public)) is both


def test_securesystemslib_reads_it() -> None:
    theirs = TheirEnvelope.from_dict(json.loads(bytes(Envelope(b"{}").signed(ONE))))
    assert theirs.payload == b"{}"
    assert theirs.signatures[ONE.keyid].signature == ONE.sig.hex()


def spoilt() -> list[bytes]:
    text = bytes(Envelope(b"{}1").signed(ONE).signed(TWO)).decode()
    payload = base64.b64encode(b"{}1").decode()
    return [each.encode() for each in (
        "", "{}", text.strip(), " " + text, text.replace(payload, payload[:-1] + "!"),
        text.replace("application/vnd.in-toto+json", "text/plain"), text.replace(TWO.keyid, ONE.keyid),
        text.replace(ONE.keyid, "g" * 64), text.replace(ONE.keyid, ""), text.replace('"public":', '"publik":'),
        text.replace('"payload":', '"more":1,"payload":'), text.replace("==", "="),
    )]  # fmt: skip


@pytest.mark.parametrize("text", spoilt())
def test_any_other_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_base64_has_one_form() -> None:
    """The last digit of base64 may carry bits that decode to nothing: changing them must not go unseen."""
    text = bytes(Envelope(b"a"))
    assert b'"YQ=="' in text
    with pytest.raises(ValueError):
        parse(text.replace(b"YQ==", b"YR=="))
