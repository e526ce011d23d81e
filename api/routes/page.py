"""The page at `/`: files of our own under api/ui, the same for everybody; all it knows comes from the API.

Knows: their types, ETags and the policy they are served with. Must never: serve a file that was not there at the start,
or anything of a caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from api.errors import public_problems
from api.etags import unchanged
from range.service.issuers import Issuer
from range.wire import IssuerView, SignIn

FOLDER = Path(__file__).parent.parent / "ui"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".xterm": "text/plain; charset=utf-8",
        ".addon-fit": "text/plain; charset=utf-8",
    }
)
FRAME = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The policy of the frame that shows reports: their styles and scripts are inside them, and they reach nothing."""

_SELF = "'self'"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    content: bytes
    type: str
    etag: str


def assets(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """Every file below the folder, by its path; of the types we know, and no links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = TYPES.get(path.suffix)
        if kind is not None and path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            etag = f'"{sha256(content).hexdigest()[:32]}"'
            found[path.relative_to(folder).as_posix()] = Asset(content, kind, etag)
    return found


def policy(issuers: Sequence[Issuer], host: str) -> str:
    """The page's own policy: everything from here, nothing inline. Issuers at which browsers sign in may be asked."""
    origins = sorted({origin for one in issuers if one.client_id for origin in origins_of(one)})
    sockets = [f"ws://{host}", f"wss://{host}"] if host else []
    return (
        f"default-src 'self'; connect-src {' '.join([_SELF, *sockets, *origins])}; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-src 'self'; frame-ancestors 'none'"
    )


def origins_of(issuer: Issuer) -> tuple[str, ...]:
    """Where a browser must reach to sign in: the issuer itself, and `origins` when its token endpoint is elsewhere."""
    parts = urlsplit(issuer.issuer)
    return (f"{parts.scheme}://{parts.netloc}", *issuer.origins.split())


def headers_of(asset: Asset, policy: str) -> dict[str, str]:
    """What goes with a file. It may be kept, and must be asked about each time: so no page meets another's version."""
    return {
        "ETag": asset.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN" if policy == FRAME else "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "cross-origin" if policy == FRAME else "same-origin",
    }


def routes(issuers: Sequence[Issuer] = (), folder: Path = FOLDER) -> APIRouter:
    """The routes of the page. The files are read once, now."""
    router = APIRouter(tags=["page"])
    files = assets(folder)

    def served(request: Request, path: str) -> Response:
        asset = files.get(path)
        if asset is None:
            raise HTTPException(404, "there is no such file")
        framed = path in ("frame.html", "frame.js")
        headers = headers_of(asset, FRAME if framed else policy(issuers, _host(request)))
        if unchanged(request.headers.get("if-none-match"), asset.etag):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.type)

    @router.get("/", include_in_schema=False)
    def page(request: Request) -> Response:
        """The page."""
        return served(request, "index.html")

    @router.get("/ui/{path:path}", include_in_schema=False)
    def asset(request: Request, path: str) -> Response:
        """What the page is made of. Paths are keys of what was read at the start, so none leads elsewhere."""
        return served(request, path)

    @router.get(
        "/v1/sign-in", summary="How to sign in", operation_id="signIn", tags=["access"], responses=public_problems()
    )
    def sign_in() -> SignIn:
        """The issuers at which a browser may sign people in: what is public of them."""
        return SignIn(issuers=tuple(public(one) for one in issuers if one.client_id))

    return router


def public(issuer: Issuer) -> IssuerView:
    """What anybody may know of an issuer."""
    name = issuer.name or urlsplit(issuer.issuer).hostname or issuer.issuer
    use = "id_token" if issuer.audience == issuer.client_id else "access_token"
    return IssuerView(name=name, issuer=issuer.issuer, client_id=issuer.client_id, scope=issuer.scope, use=use)


def _host(request: Request) -> str:
    """The Host header, when it can stand in a policy: some browsers do not count WebSockets as 'self'."""
    host = request.headers.get("host", "")
    return host if host and all(letter.isalnum() or letter in ".-:[]" for letter in host) else ""
