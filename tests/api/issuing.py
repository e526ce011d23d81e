"""Issuers for tests: real keys, a real HTTP server on 127.0.0.1, and one at which a browser can sign somebody in.

`Provider` answers what the test puts into it. `SignInProvider` is strict besides, as a good issuer is: what is not
right in a request is refused, and noted in `refused`. What it does wrong on purpose is said in its other fields.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Answer:
    """What a server answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Provider:
    """An issuer: what it answers at each path (a text: a redirect), and what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, body: bytes, origin: str) -> Answer:
        """To one request; `origin` is the page that asks, if it is one."""
        self.asked.append(path)
        said = self.answers.get(path) if method == "GET" else None
        if isinstance(said, str):
            return Answer(302, headers={"Location": said})
        return Answer(503 if said is None else 200, said if isinstance(said, bytes) else json.dumps(said).encode())


def jwks() -> dict[str, Any]:
    """Keys of every kind we know, and what is none."""
    listed = [
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "rsa", "use": "sig", "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "ec", "use": "sig"},
        {**json.loads(OKPAlgorithm.to_jwk(ED_KEY.public_key())), "kid": "ed"},
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "free"},
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "enc", "use": "enc"},
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode(), "kid": "oct"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "nonsense",
    ]
    return {"keys": listed}


def signed(body: Mapping[str, Any], key: Any = RSA_KEY, alg: str = "RS256", **headers: Any) -> str:
    """A token with these claims."""
    return jwt.encode(dict(body), key, algorithm=alg, headers={"kid": "rsa", **headers})


@contextlib.contextmanager
def answering(provider: Provider) -> Iterator[None]:
    """The provider behind a web server, for the length of a block; its `url` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = provider.answer(self.command, self.path, body, self.headers.get("Origin") or "")
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class SignInProvider(Provider):
    """An issuer that signs one person in at one public client, by authorisation code with PKCE.

    Its token endpoint is at an origin of its own (the same server by another name), as it is at large issuers.
    """

    client_id: str = "jointrange-page"
    page: str = ""
    """The page's origin: the only one that may read answers, and the only address that is gone back to."""
    audience: str = "jointrange"
    """Of access tokens; an id token is for the client."""
    person: dict[str, Any] = field(default_factory=dict)
    """Claims of both tokens."""
    state: str = ""
    """Given back in the place of the state that was sent."""
    named: str = ""
    """Who it says it is when it sends the browser back, in the place of its own address."""
    error: str = ""
    """Nobody is let in, for this reason."""
    identity: dict[str, Any] | None = field(default_factory=dict)
    """Claims of id tokens that are not as they should be; None: none is given."""
    access: dict[str, Any] = field(default_factory=dict)
    """Claims of access tokens that are not as they should be."""
    refused: list[str] = field(default_factory=list)
    granted: int = 0
    _begun: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def elsewhere(self) -> str:
        """The origin of its token endpoint."""
        return self.url.replace("127.0.0.1", "localhost")

    def well(self) -> None:
        """From here on it does everything right, and has seen nothing."""
        self.state = self.named = self.error = ""
        self.identity, self.access, self.granted = {}, {}, 0
        for seen in (self.asked, self.refused, self._begun):
            seen.clear()

    def answer(self, method: str, path: str, body: bytes, origin: str) -> Answer:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        place, shared = urlsplit(path), {"Access-Control-Allow-Origin": self.page}
        given = dict(parse_qsl(place.query if method == "GET" else body.decode()))
        asked = (method, place.path)
        if asked == ("GET", DISCOVERY):
            return Answer(200, json.dumps(self._about()).encode(), shared)
        if asked == ("GET", "/keys"):
            return Answer(200, json.dumps(jwks()).encode())
        if asked == ("GET", "/authorize"):
            return self._authorise(given)
        if asked == ("POST", "/token") and origin == self.page:
            status, said = self._token(given)
            return Answer(status, json.dumps(said).encode(), shared)
        self.refused.append(f"{method} {path}")
        return Answer(404, b"{}")

    def _about(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize?kind=login",
            "token_endpoint": f"{self.elsewhere}/token", "jwks_uri": f"{self.url}/keys",
        }  # fmt: skip

    def _authorise(self, given: dict[str, str]) -> Answer:
        want = {
            "kind": "login", "response_type": "code", "client_id": self.client_id, "redirect_uri": f"{self.page}/",
            "code_challenge_method": "S256",
        }  # fmt: skip
        wrong = [name for name, value in want.items() if given.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if len(given.get(name, "")) != 43]
        wrong += [] if "openid" in given.get("scope", "").split() else ["scope"]
        if wrong:
            self.refused.append(f"authorize: {wrong}")
            return Answer(400, f"wrong: {wrong}".encode())
        back = {"state": self.state or given["state"], "iss": self.named or self.url}
        if self.error:
            back |= {"error": "access_denied", "error_description": self.error}
        else:
            back["code"] = secrets.token_urlsafe(16)
            self._begun[back["code"]] = given
        return Answer(302, headers={"Location": f"{given['redirect_uri']}?{urlencode(back)}"})

    def _token(self, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        begun = self._begun.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        good = begun is not None and (
            given.get("grant_type") == "authorization_code"
            and all(given.get(name) == begun[name] for name in ("client_id", "redirect_uri"))
            and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == begun["code_challenge"]
        )
        if begun is None or not good:
            self.refused.append("token")
            return 400, {"error": "invalid_grant", "error_description": "this code is not good"}
        self.granted += 1
        now = time.time()
        both = {"iss": self.url, "sub": "ann", "iat": now, "exp": now + 600, **self.person}
        access = {**both, "aud": self.audience, **self.access}
        said = {"token_type": "Bearer", "expires_in": 600, "access_token": signed(access, EC_KEY, "ES256", kid="ec")}
        if self.identity is not None:
            identity = {**both, "aud": self.client_id, "nonce": begun["nonce"], **self.identity}
            said["id_token"] = signed(identity, EC_KEY, "ES256", kid="ec")
        return 200, said
