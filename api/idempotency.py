"""Once: a POST with an Idempotency-Key is done once, however often it is sent.

Knows: that the thing that is made and the answer that is kept are one transaction, so that a crash leaves both or none.
Must never: keep an answer that holds a secret, or give an answer to somebody else.

    if (kept := once.kept(here, who)) is not None:          # before anything is looked up: it may be gone by now
        return kept
    return once.answer(here, who, lambda rows: Answer(201, view(make(rows)), {"Location": ...}))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from range.errors import Conflict
from range.rows import AnswerRow
from range.service.context import Principal, Service
from range.stores import Writing

KEPT = 86400.0
"""Seconds an answer is kept."""
REPLAYED = "Idempotent-Replayed"

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request gives the same answer for a day, and does nothing twice",
    ),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST gives. `secret`: its body is shown once and never kept."""

    status: int
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False

    @property
    def text(self) -> str:
        """Its body as JSON."""
        return "" if self.body is None else self.body.model_dump_json()


def response(answer: Answer) -> Response:
    """An answer as a response."""
    return _response(answer.status, answer.text, answer.headers)


def _response(status: int, text: str, headers: Mapping[str, str]) -> Response:
    return Response(text, status, headers=dict(headers), media_type="application/json" if text else None)


@dataclass(frozen=True, slots=True)
class Once:
    """One request, and the key it carries ("": none)."""

    key: str
    request: str

    def kept(self, service: Service, who: Principal) -> Response | None:
        """The answer that is kept, if there is one. Raises HTTPException 422, 409, as `answer` does."""
        if not self.key:
            return None
        with service.store.reading() as rows:
            found = rows.get(AnswerRow, self._id(who))
        return self._again(found) if found is not None and found.expires > service.store.now() else None

    def answer(self, service: Service, who: Principal, work: Callable[[Writing], Answer]) -> Response:
        """Do it in one transaction with keeping the answer; or give the answer that is kept.

        Raises HTTPException 422 (the key was used for another request), 409 (it is being worked on).
        """
        if not self.key:
            with service.store.writing() as rows:
                made = work(rows)
            return response(made)
        taken: list[Conflict] = []
        try:
            return self._kept_or_made(service, who, work, taken)
        except Conflict as error:
            if error not in taken:
                raise
            return self._kept_or_made(service, who, work, taken)

    def _kept_or_made(
        self, service: Service, who: Principal, work: Callable[[Writing], Answer], taken: list[Conflict]
    ) -> Response:
        with service.store.writing() as rows:
            kept = self._take(rows, service, who, taken)
            if kept is not None:
                return self._again(kept)
            made = work(rows)
            self._keep(rows, who, made)
        return response(made)

    def outside(
        self,
        service: Service,
        who: Principal,
        ready: Callable[[], AbstractContextManager[object]],
        work: Callable[[], Answer],
    ) -> Response:
        """The same for work that no transaction can hold.

        `ready`: what it needs, for its length. What that refuses was never begun, so the key may be used again. From
        then on nobody knows how far a work came that ends without an answer, by a fault or by a crash: it is not begun
        a second time, and answers say so.
        """
        if not self.key:
            with ready():
                return response(work())
        taken: list[Conflict] = []
        try:
            with service.store.writing() as rows:
                kept = self._take(rows, service, who, taken)
        except Conflict:
            raise HTTPException(409, "a request with this Idempotency-Key is being worked on") from None
        if kept is not None:
            return self._again(kept)
        begun = False
        try:
            with ready():
                begun = True
                made = work()
        except BaseException:
            if not begun:
                with service.store.writing() as rows:
                    rows.remove(AnswerRow, self._id(who))
            raise
        with service.store.writing() as rows:
            self._keep(rows, who, made)
        return response(made)

    def _id(self, who: Principal) -> str:
        return sha256(f"{who.org}\0{who.id}\0{self.key}".encode()).hexdigest()

    def _take(self, rows: Writing, service: Service, who: Principal, taken: list[Conflict]) -> AnswerRow | None:
        """The answer that is kept; else none, and its place is ours. A Conflict about the place goes to `taken`."""
        now, key = service.store.now(), self._id(who)
        kept = rows.get(AnswerRow, key)
        if kept is not None and kept.expires > now:
            return kept
        rows.remove(AnswerRow, key)
        try:
            rows.add(AnswerRow(id=key, org=who.org, created=now, request=self.request, expires=now + KEPT))
        except Conflict as error:  # another process was quicker by a moment
            taken.append(error)
            raise
        return None

    def _keep(self, rows: Writing, who: Principal, made: Answer) -> None:
        text = "" if made.secret else made.text
        rows.change(AnswerRow, self._id(who), status=made.status, headers=dict(made.headers), body=text)

    def _again(self, kept: AnswerRow) -> Response:
        if kept.request != self.request:
            raise HTTPException(422, "this Idempotency-Key was used for another request; take a new one")
        if kept.status == 0:
            raise HTTPException(
                409,
                "a request with this Idempotency-Key is being worked on, or ended without an answer: "
                "see for yourself what it did, and take a new key to do it again",
            )
        if kept.status == 201 and not kept.body:
            raise HTTPException(409, "this was made already, and its secret is shown only once")
        return _response(kept.status, kept.body, {**kept.headers, REPLAYED: "true"})


async def once(request: Request, key: Key = None) -> Once:
    """The dependency."""
    whole = sha256(f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode())
    whole.update(request.headers.get("content-type", "").encode() + b"\n" + await request.body())
    return Once(key or "", whole.hexdigest())


OnceOnly = Annotated[Once, Depends(once)]
