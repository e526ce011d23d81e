"""The envelope around a statement: DSSE 1.0, with ed25519 signatures and the public keys they can be checked by.

Knows: the pre-authentication encoding that is signed, and the envelope's one canonical text.
Must never: compute or check a signature (keys.py does), or take a key that lies in an envelope for a partner's.

`public` beside each signature is an addition of ours, which other readers must ignore. It shows that a signature
belongs to its key id, and no more: whose key it is, only the reader can say.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from range.bundle.manifest import canonical

PAYLOAD_TYPE: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """A signature: the signer's key id (hex), the 64 bytes, and the signer's public key (32 bytes, hex)."""

    keyid: str
    sig: bytes
    public: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and its signatures, by key id. Without any it waits for its first."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def __bytes__(self) -> bytes:
        signatures = [
            {"keyid": one.keyid, "public": one.public, "sig": base64.b64encode(one.sig).decode("ascii")}
            for one in self.signatures
        ]
        payload = base64.b64encode(self.payload).decode("ascii")
        return canonical({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures})

    def signed(self, signature: Signature) -> Envelope:
        """With one more signature; the same envelope when this key has signed it already."""
        if signature.keyid in {one.keyid for one in self.signatures}:
            return self
        return replace(self, signatures=tuple(sorted((*self.signatures, signature))))


class _Signature(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    keyid: Hex
    public: Hex
    sig: str


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    signatures: Annotated[list[_Signature], Field(max_length=100)]


def pae(payload: bytes) -> bytes:
    """What is signed: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes (DSSE protocol, PAE)."""
    kind = PAYLOAD_TYPE.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse(text: bytes) -> Envelope:
    """The envelope in a text. Raises ValueError, saying what is wrong, when it is not exactly as we write it."""
    try:
        read = _Text.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole text"
        raise ValueError(f"{place}: {first['msg']}") from None
    try:
        envelope = Envelope(base64.b64decode(read.payload, validate=True), tuple(_signatures(read)))
    except binascii.Error as error:
        raise ValueError(f"its base64 is broken: {error}") from None
    if len({one.keyid for one in envelope.signatures}) < len(envelope.signatures):
        raise ValueError("two signatures have one key id")
    if bytes(envelope) != text:
        raise ValueError("it is not written the way Jointrange writes it")
    return envelope


def _signatures(read: _Text) -> Iterator[Signature]:
    for one in read.signatures:
        yield Signature(one.keyid, base64.b64decode(one.sig, validate=True), one.public)
