"""Who is asking, and whether they may: the door of the API.

Knows: the Authorization header (Bearer with an API token or a JWT; Basic with the token as password, any user name).
Must never: say why a sign-in failed beyond what its holder may know, write a secret anywhere, or let a stranger's
failures fill the audit log.

    @router.get("/v1/ranges")
    def listed(here: Here, who: Annotated[Principal, Depends(needs("ranges.read"))]): ...
    app.state.door = Door(service, issuers)      # create_app; door.close() at the end
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from api.oidc import Verifier
from api.table import TABLE, Right
from api.throttle import Budget, Failures
from range.errors import Forbidden, NotFound, QuotaExceeded, RangeError, Unauthenticated
from range.service import tokens
from range.service.access import Action, demand
from range.service.context import Principal, Service
from range.service.issuers import Issuer
from range.stores import UNABLE

LONGEST = 16 << 10
"""Characters of an Authorization header that are looked at."""
WHO = "jointrange.who"
"""Where the scope of a request says whose it is, when that was asked before its body was read."""
CHALLENGE = 'Bearer realm="jointrange"'
"""For WWW-Authenticate, with every 401."""
_LOG = logging.getLogger(__name__)
_bearer = HTTPBearer(auto_error=False, description="An API token (`jr_...`), or a JWT of a configured OIDC issuer")


class _Described(HTTPBasic):
    """A scheme for the API's description. The door reads the header itself, whichever scheme it has."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Nothing: so that nothing is refused here."""


_basic = _Described(
    scheme_name="HTTPBasic", auto_error=False, description="The API token as the password; any user name"
)


class Door:
    """Lets callers in. One for each app; `close` it at the end."""

    def __init__(self, service: Service, issuers: Sequence[Issuer] = ()) -> None:
        self.service = service
        self.verifier = Verifier(issuers)
        self.failures = Failures()
        self._strangers = Budget(burst=30, every=60.0)
        self._refusals = Budget(burst=60, every=10.0)
        self._touched: OrderedDict[str, float] = OrderedDict()
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="last-used")

    def enter(self, authorization: str, address: str) -> Principal:
        """Who this is.

        Raises Unauthenticated, Forbidden (known to its issuer, and nobody here), StoreUnavailable; QuotaExceeded after
        too many failures of an address. A good token is let in however many bad ones came from it.
        """
        try:
            who = self._known(authorization)
        except (Unauthenticated, Forbidden) as error:
            if authorization:
                self._failed(address, error)
            raise
        if who.id.startswith("token:"):
            self._touch(who.id.removeprefix("token:"))
        return who

    def refused(self, who: Principal, what: str, subject: str, error: RangeError) -> None:
        """Note in the audit log that a known caller was refused; only so many a minute for one caller."""
        missed = self._refusals.take(who.id, self.service.clock.now())
        if missed is not None:
            self._note(who.org, who.id, what, subject, reason=str(error)[:300], unlisted=missed)

    def close(self) -> None:
        """Write what is still to be written; nothing more comes in."""
        self._hand.shutdown(wait=True)

    def _known(self, authorization: str) -> Principal:
        secret = credentials_of(authorization)
        if secret.startswith(tokens.MARK):
            return tokens.verify(self.service, secret)
        return self.verifier.verify(secret, self.service)

    def _failed(self, address: str, error: RangeError) -> None:
        """Count it, and note it within bounds. Raises QuotaExceeded when there were too many."""
        now = self.service.clock.now()
        count, until = self.failures.add(address, now)
        if count > 3:
            self._strangers.miss("", now)
        elif (missed := self._strangers.take("", now)) is not None:
            self._note("", "nobody", "sign-in", f"address/{address[:64]}", reason=str(error)[:300], unlisted=missed)
        if count > self.failures.allowed:
            raise QuotaExceeded(
                f"too many failed sign-ins from your address: {count} in {self.failures.window:.0f} s",
                limit="sign-ins", allowed=self.failures.allowed, used=count, room_at=until,
                hint="correct the token; a good one is let in at once",
            ) from error  # fmt: skip

    def _note(self, org: str, actor: str, action: str, subject: str, **detail: Any) -> None:
        """Into the audit log, unless the store is silent: the caller is refused all the same."""
        try:
            with self.service.store.writing() as rows:
                rows.note(org, actor, action, subject, outcome="refused", **detail)
        except UNABLE as error:
            _LOG.warning("a refusal could not be noted: %s", error)

    def _touch(self, prefix: str) -> None:
        """Have it noted that the token is in use: at most once a minute, by a thread that no request waits for."""
        now = self.service.clock.now()
        if now - self._touched.get(prefix, 0.0) < tokens.TOUCH:
            return
        self._touched[prefix] = now
        while len(self._touched) > 10_000:
            self._touched.popitem(last=False)
        self._hand.submit(tokens.touch, self.service, prefix).add_done_callback(_told)


def _told(done: Future[None]) -> None:
    """Say in the log why a use could not be noted."""
    if (error := done.exception()) is not None:
        _LOG.warning("the use of a token could not be noted: %s", error)


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency that gives the caller, once it is known that they may do one of `actions` (none: anything)."""

    actions: tuple[Action, ...]

    @property
    def right(self) -> Right:
        """What api/table.py must say of the route."""
        return self.actions[0] if len(self.actions) == 1 else self.actions or None

    async def __call__(
        self,
        request: Request,
        _token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
        _password: Annotated[HTTPBasicCredentials | None, Depends(_basic)] = None,
    ) -> AsyncIterator[Principal]:
        """The caller. Raises Unauthenticated, Forbidden, QuotaExceeded; what they are refused later is noted, too."""
        door: Door = request.app.state.door
        address = request.client.host if request.client else "unknown"
        who: Principal | None = request.scope.get(WHO)
        if who is None:
            who = await run_in_threadpool(door.enter, request.headers.get("authorization", ""), address)
        request.state.who = who
        try:
            if self.actions:
                demand(who, *self.actions)
            yield who
        except (Forbidden, NotFound, QuotaExceeded) as error:
            if not isinstance(error, NotFound) or isinstance(error.__cause__, Forbidden):
                what = " or ".join(self.actions) or "me"
                await run_in_threadpool(door.refused, who, what, f"{request.method} {request.url.path}"[:200], error)
            raise


def needs(*actions: Action) -> Needs:
    """The dependency for a route that needs one of these actions; it must be what api/table.py says of the route."""
    return Needs(actions)


def credentials_of(authorization: str) -> str:
    """The token in an Authorization header. Raises Unauthenticated."""
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if not authorization:
        raise Unauthenticated("no token was given", hint="send it as `Authorization: Bearer <token>`")
    if len(authorization) > LONGEST or not value.isascii():
        raise Unauthenticated("the Authorization header is too long, or not ASCII", hint="send one token")
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic" and value:
        try:
            _user, _, password = base64.b64decode(value, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        if password:
            return password.strip()
    raise Unauthenticated(
        "this Authorization header cannot be read", hint="send `Authorization: Bearer <token>`, or Basic with the token"
    )


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, Any]]:
    """Every (method, path template, route) of an app. HEAD goes with GET; a WebSocket's method is WS."""
    for route in iter_route_contexts(list(routes)):
        original = route.original_route
        if isinstance(original, WebSocketRoute):
            yield "WS", str(route.path), route
        elif isinstance(original, Mount):
            yield "GET", f"{original.path}/{{path:path}}", route
        else:
            methods = set(route.methods or ())
            for method in sorted(methods - ({"HEAD"} if "GET" in methods else set())):
                yield method, str(route.path), route


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Raises ValueError: a route that is not in api/table.py, or asks for something else; a row without a route."""
    seen = set()
    for method, path, route in routes_of(routes):
        if (method, path) not in TABLE:
            raise ValueError(f"{method} {path} is not in api/table.py: who may call it?")
        seen.add((method, path))
        right = TABLE[method, path]
        asked = list(_asked(getattr(route, "dependant", None)))
        wanted: list[Any] = [] if right in ("public", "ticket") else [right]
        if asked != wanted:
            raise ValueError(f"{method} {path} asks for {asked}, and api/table.py says {right!r}")
    if missing := sorted(f"{method} {path}" for method, path in set(TABLE) - seen):
        raise ValueError(f"api/table.py has rows without a route: {', '.join(missing)}")


def _asked(dependant: Any) -> Iterator[Right]:
    """The rights that a route's dependencies ask for."""
    for inner in dependant.dependencies if dependant is not None else ():
        if isinstance(inner.call, Needs):
            yield inner.call.right
        yield from _asked(inner)
