"""Sign-in by an OIDC issuer: its JWTs are verified, with keys that it publishes. The only user of `jwt`.

Knows: how a JWT becomes a Principal. Must never: believe a token's header (`alg` must be one of those configured and
fit the key; the key is one that the issuer publishes at the configured address), or ask an issuer more often than
`Patience` says.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import jwt

from range.errors import Forbidden, ServiceUnavailable, Unauthenticated
from range.rows import OrgRow
from range.service.context import Principal, Service
from range.service.issuers import LOCAL, Issuer, check_together

LONGEST = 12 << 10
"""Characters of a token."""
LEEWAY = 30.0
"""Seconds that an issuer's clock may differ from ours."""
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_BEGINS = ".well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds (and bytes) of dealings with an issuer."""

    fresh: float = 300.0
    """Keys are asked for again after so long,"""
    stale: float = 3600.0
    """and are believed so long when the issuer does not answer."""
    between: float = 10.0
    """At least so long between two questions, whatever tokens come."""
    timeout: float = 5.0
    size: int = 256 << 10
    wait: float = 1.0
    """Who comes while it is being asked waits so long for its answer,"""
    seats: int = 8
    """but only so many of them: the others are told to come back at once."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def fetch(url: str, patience: Patience) -> Any:
    """The JSON at an address; no redirect is followed. Raises OSError, ValueError, HTTPException."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ValueError(f"{url} is not an https:// address")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  (scheme checked)
    with urllib.request.build_opener(_NoRedirects).open(request, timeout=patience.timeout) as answer:
        body = answer.read(patience.size + 1)
    if len(body) > patience.size:
        raise ValueError(f"{url} gave more than {patience.size} bytes")
    return json.loads(body)


@dataclass(frozen=True, slots=True)
class Key:
    """A published key: its type and curve, the one algorithm it is for (empty: any of its type), and itself."""

    kind: str
    curve: str
    algorithm: str
    key: Any

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of this algorithm may be by this key."""
        if self.kind != _FAMILIES.get(algorithm[:2]) or self.algorithm not in ("", algorithm):
            return False
        return self.curve == _CURVES.get(algorithm, self.curve)


class Keys:
    """The keys of one issuer, as it published them last. Safe from any thread; one question at a time.

    A silent issuer holds up the thread that asks it, and a few for a moment: never those that others need.
    """

    def __init__(self, issuer: Issuer, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self.patience = patience
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._got: float | None = None
        self._asked: float | None = None
        self._trouble = ""
        self._lock = threading.Lock()
        self._seats = threading.BoundedSemaphore(patience.seats)

    def key(self, kid: str) -> Key:
        """The key of this id. Raises Unauthenticated (there is none), ServiceUnavailable (we cannot know)."""
        found = self._keys.get(kid)
        if found is not None and self._age() < self.patience.fresh:
            return found
        # Whoever is there first asks; others go on with a key that is known, and wait a moment for one that is not
        known = found is not None and self._age() < self.patience.stale
        if self._turn(wait=not known):
            try:
                if (self._age() >= self.patience.fresh or kid not in self._keys) and self._may_ask():
                    self._ask()
            finally:
                self._lock.release()
        elif not known:
            raise ServiceUnavailable(
                f"the sign-in service {self.issuer.issuer} is being asked for its keys, and takes its time",
                hint="try again soon; an API token works in any case",
            )
        if self._age() >= self.patience.stale:
            raise ServiceUnavailable(
                f"the sign-in service {self.issuer.issuer} does not answer: {self._trouble}",
                hint="try again soon; an API token works in any case",
            )
        found = self._keys.get(kid)
        if found is None:
            raise Unauthenticated("this token is signed by a key that its issuer does not publish")
        return found

    def _turn(self, *, wait: bool) -> bool:
        """Take the lock; False: somebody is asking, and it is not for us to wait any longer."""
        if self._lock.acquire(blocking=False):
            return True
        if not wait or not self._seats.acquire(blocking=False):
            return False
        try:
            return self._lock.acquire(timeout=self.patience.wait)
        finally:
            self._seats.release()

    def _age(self) -> float:
        return float("inf") if self._got is None else self._clock() - self._got

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= self.patience.between

    def _ask(self) -> None:
        self._asked = self._clock()
        try:
            url = self.issuer.jwks_uri or self._discovered()
            self._keys = _usable(fetch(url, self.patience), self.issuer.algorithms)
            self._got = self._clock()
        except (OSError, ValueError, HTTPException, jwt.PyJWTError) as error:
            self._trouble = str(error) or type(error).__name__

    def _discovered(self) -> str:
        """Where the issuer says its keys are. Raises ValueError when it says it is somebody else."""
        said = fetch(f"{self.issuer.issuer.rstrip('/')}/{_BEGINS}", self.patience)
        if not isinstance(said, dict) or said.get("issuer") != self.issuer.issuer:
            raise ValueError(f"{_BEGINS} is not of {self.issuer.issuer}")
        return str(said.get("jwks_uri", ""))


class Verifier:
    """Verifies tokens of these issuers. Raises ValueError: they cannot be together."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        patience: Patience = Patience(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_together(issuers)
        self._keys = {issuer.issuer: Keys(issuer, patience, clock) for issuer in issuers}

    def verify(self, token: str, service: Service) -> Principal:
        """Who this token is of.

        Raises Unauthenticated; Forbidden (a good token of somebody who has no role or organisation here);
        ServiceUnavailable (the issuer's keys cannot be had).
        """
        if not self._keys or len(token) > LONGEST or token.count(".") != 2:
            raise Unauthenticated("this is no token of this service", hint="API tokens begin with jr_")
        keys = self._keys.get(_issuer_in(token))
        if keys is None:
            raise Unauthenticated("this token is of an issuer that is not known here")
        claims = _verified(token, keys)
        issuer = keys.issuer
        org = issuer.org_of(claims)
        role = issuer.role_of(claims)
        if org:
            with service.store.reading() as rows:
                if rows.get(OrgRow, org) is None:
                    raise Forbidden(
                        f"your organisation, {org}, is not known here", hint="an administrator must make it first"
                    )
        subject = str(claims["sub"])[:200]
        names = (claims.get(name) for name in ("preferred_username", "name", "email", "sub"))
        name = next(text for text in names if isinstance(text, str) and text)[:100]
        return Principal(
            id=f"oidc:{issuer.issuer}#{subject}", name=name, org=org, role=role, expires=float(claims["exp"])
        )


def _issuer_in(token: str) -> str:
    """What a token says of itself, before anything is known to be true. Raises Unauthenticated."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Unauthenticated("this token cannot be read") from error
    return str(claims.get("iss", ""))


def _verified(token: str, keys: Keys) -> dict[str, Any]:
    """The claims of a token that its issuer signed, for us, and that is good now. Raises Unauthenticated."""
    issuer = keys.issuer
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise Unauthenticated("this token cannot be read") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in issuer.algorithms:
        raise Unauthenticated("this token is signed in a way that is not taken here")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200 or "crit" in header:
        raise Unauthenticated("this token does not name the key it is signed with, or wants what we do not know")
    key = keys.key(kid)
    if not key.fits(algorithm):
        raise Unauthenticated("this token is not signed in the way its key is for")
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=[algorithm], audience=issuer.audience, issuer=issuer.issuer, leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )  # fmt: skip
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("this token has expired", hint="sign in again") from error
    except jwt.InvalidAudienceError as error:
        raise Unauthenticated("this token was made for another service") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise Unauthenticated("this token is not good") from error
    return claims


def _usable(said: Any, algorithms: Sequence[str]) -> dict[str, Key]:
    """The keys of a JWKS that can verify one of these algorithms, by id; others are left out. Raises ValueError."""
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise ValueError("what the issuer publishes is no list of keys")
    found: dict[str, Key] = {}
    for one in listed[:100]:
        if not isinstance(one, dict) or not isinstance(one.get("kid"), str) or one.get("use", "sig") != "sig":
            continue
        try:
            made = jwt.PyJWK(one)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        key = Key(str(one.get("kty")), str(one.get("crv", "")), str(one.get("alg", "")), made.key)
        if any(key.fits(algorithm) for algorithm in algorithms):
            found[one["kid"]] = key
    return found
