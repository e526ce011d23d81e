"""API tokens: how they are made, kept, shown once, and believed.

Knows: the shape `jr_<prefix>_<secret>`: 10 letters or digits to find it by, and 256 random bits with a checksum behind
them, so that scanners for secrets and we ourselves tell a token from a typing error without asking the database.
Must never: keep a secret (only its SHA-256), write one to an event, a log or the audit log, or make a token that may
more than its maker.
"""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from hashlib import sha256

from range.errors import Forbidden, Invalid, NotFound, Problem, Unauthenticated, Where
from range.hints import known_names
from range.rows import OrgRow, TokenRow
from range.service.access import ACTIONS, actions, everywhere, granted, own, project_for
from range.service.context import Principal, Service
from range.stores import Reading, Writing
from range.topology import seconds
from range.wire import NewToken, TokenRequest, TokenView

MARK = "jr_"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX = 10
_SECRET = 43
"""Digits of base 62 that hold 256 bits."""
_SUM = 6
"""Digits of base 62 that hold a CRC-32."""
SHAPE = re.compile(rf"jr_([0-9a-z]{{{_PREFIX}}})_([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_SUM}}})")
TOUCH = 60.0
"""Seconds between two notes of when a token was last used."""
_NOBODY = sha256(b"nobody").hexdigest()


def issue(
    rows: Writing, actor: str, org: str, request: TokenRequest, now: float, *, until: float = 0.0
) -> tuple[TokenRow, str]:
    """Make a token and note it; its row, and its text, which nobody can read again. `actor`: who is told in the log.

    It is good for `request.lease`, but not beyond `until` (seconds since the epoch; 0.0: no such bound).
    Asks nobody's permission: `make` does. Raises Invalid (an unknown scope), Conflict.
    """
    _check_scopes(request.scopes)
    ends = now + seconds(request.lease)
    prefix = "".join(secrets.choice(_DIGITS[:36]) for _ in range(_PREFIX))
    body = _base62(secrets.randbits(256), _SECRET)
    text = f"{MARK}{prefix}_{body}{_checksum(prefix, body)}"
    row = TokenRow(
        id=prefix, org=org, created=now, name=request.name, digest=_digest(text), role=request.role,
        scopes=tuple(sorted(set(request.scopes))), project=request.project,
        actor=actor, expires=min(ends, until) if until else ends,
    )  # fmt: skip
    rows.add(row)
    rows.note(
        org, actor, "tokens.issue", f"token/{prefix}", name=row.name, role=row.role, scopes=list(row.scopes),
        project=row.project, expires=row.expires,
    )  # fmt: skip
    return row, text


def first(rows: Writing, now: float) -> str | None:
    """A token that may do everything, where there is none at all yet; else None. Its secret is nowhere else."""
    if rows.count(TokenRow):
        return None
    return issue(rows, "serve", "", TokenRequest(name="first token", role="admin", lease="3650d"), now)[1]


def make(rows: Writing, who: Principal, request: TokenRequest, now: float) -> NewToken:
    """Make a token for the caller's organisation, or another one if the caller may.

    It ends with the caller's own token, if not before.
    Raises Forbidden: it could do what the caller cannot; NotFound: no such organisation or project.
    """
    org = who.org if request.org is None else request.org
    if org != who.org and not everywhere(who):
        raise NotFound(f"there is no organisation {org}", hint="leave `org` out: it is your own then")
    if org and rows.get(OrgRow, org) is None:
        raise NotFound(f"there is no organisation {org}", hint="make it first, or name none: it is your own then")
    as_whom = who if org == who.org else Principal(id=who.id, name=who.name, org=org, role=who.role)
    project = project_for(rows, as_whom, request.project)
    _check_scopes(request.scopes)
    more = granted(request.role, org, project, request.scopes) - actions(who)
    if more:
        raise Forbidden(
            f"this token could do what you may not: {', '.join(sorted(more))}",
            hint="give it a lower role, or `scopes` among: " + ", ".join(sorted(actions(who))),
        )
    row, text = issue(rows, who.id, org, request.model_copy(update={"project": project}), now, until=who.expires)
    return NewToken(**view(row).model_dump(), token=text)


def revoke(rows: Writing, who: Principal, key: str, now: float, *, version: int | None = None) -> TokenRow:
    """End a token now. Doing it twice is fine. Raises NotFound, Stale."""
    row = own(rows, who, TokenRow, key)
    if row.revoked:
        return row
    row = rows.change(TokenRow, key, version=version, revoked=now)
    rows.note(row.org, who.id, "tokens.revoke", f"token/{key}", name=row.name)
    return row


def verify(service: Service, text: str) -> Principal:
    """Who holds this token. Raises Unauthenticated (also: expired, revoked), StoreUnavailable. Writes nothing."""
    prefix = well_formed(text)
    with service.store.reading() as rows:
        row = rows.get(TokenRow, prefix)
    digest = _digest(text)
    if not hmac.compare_digest(digest, row.digest if row else _NOBODY) or row is None:
        raise Unauthenticated("this token is not known here", hint="was it made by this installation?")
    if row.revoked:
        raise Unauthenticated("this token was revoked", hint="ask for a new one")
    if row.expires and row.expires <= service.store.now():
        raise Unauthenticated("this token has expired", hint="ask for a new one")
    return Principal(
        id=f"token:{row.id}", name=row.name, org=row.org, role=row.role, scopes=row.scopes, project=row.project,
        expires=row.expires,
    )  # fmt: skip


def lapsed(rows: Reading, actor: str, until: float, now: float) -> str:
    """Why somebody who was let in may not stay: the token was revoked, or the sign-in is over. Empty while they may.

    `actor`: a `Principal.id`; `until`: its `expires`.
    """
    if until and until <= now:
        return "your sign-in has expired"
    kind, _, prefix = actor.partition(":")
    row = rows.get(TokenRow, prefix) if kind == "token" else None
    if kind == "token" and (row is None or row.revoked):
        return "your token was revoked"
    return ""


def well_formed(text: str) -> str:
    """The prefix of what looks like a token of ours. Raises Unauthenticated: it is not whole."""
    match = SHAPE.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(match[1], match[2]), match[3]):
        raise Unauthenticated(
            "this is not a token of this service, or not all of one", hint=f"a token is {MARK}... : copy all of it"
        )
    return match[1]


def touch(service: Service, prefix: str) -> None:
    """Note that a token is in use, unless that was noted within the last minute. For a thread that nobody waits for."""
    now = service.store.now()
    with service.store.writing() as rows:
        row = rows.get(TokenRow, prefix)
        if row is not None and row.last_used <= now - TOUCH:
            rows.change(TokenRow, prefix, last_used=now)


def view(row: TokenRow) -> TokenView:
    """The row as the API shows it: nothing of the secret, not even its digest."""
    return TokenView(
        id=row.id, org=row.org, name=row.name, role=row.role, scopes=row.scopes, project=row.project, actor=row.actor,
        created=row.created, expires=row.expires, last_used=row.last_used, revoked=row.revoked,
    )  # fmt: skip


def _check_scopes(scopes: tuple[str, ...]) -> None:
    problems = [
        Problem(Where(f"scopes[{index}]", 0, 0), f"there is no action {scope!r}", known_names(scope, ACTIONS))
        for index, scope in enumerate(scopes)
        if scope not in ACTIONS
    ]
    if problems:
        raise Invalid(problems)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _checksum(prefix: str, body: str) -> str:
    return _base62(zlib.crc32(f"{prefix}_{body}".encode()), _SUM)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
