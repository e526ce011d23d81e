"""A sign-in service that we believe: one OIDC issuer, and whom its users are here.

Knows: how claims become an organisation and a role. Must never: check a signature (api/oidc.py does), or let an issuer
speak for an organisation that it was not given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from range.errors import Forbidden
from range.rows import Role

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""What may be configured: signatures by a private key. Never `none`, nor any HS*, where who verifies could sign."""
DEFAULT_ALGORITHMS = ("RS256", "ES256", "EdDSA")
LOCAL = ("localhost", "127.0.0.1", "::1")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_ORG = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer. `issuer`: exactly what is in its tokens' `iss`; `audience`: what must be in their `aud`.

    `jwks_uri`: where its keys are; empty: what `<issuer>/.well-known/openid-configuration` says.
    Who somebody is: `org`, when all of its users are of one organisation; else the claim `org_claim`, whose values
    `orgs` translates to organisations (no `orgs`: the claim is the organisation's id itself). `roles`: from values of
    the claim `role_claim` to roles; the highest counts, and somebody without any is refused. A claim may be inside
    others: `realm_access.roles`. Raises ValueError: something is missing or unsafe.

    `client_id`: what the web page is called there (a public client with PKCE, redirect to the page's address); empty:
    nobody signs in at the page with this issuer. `name`: what its button says. `scope`: what the page asks for.
    `origins`: where else a browser must reach to sign in, when the token endpoint is not at the issuer's own address.
    """

    issuer: str
    audience: str
    jwks_uri: str = ""
    org_claim: str = "org"
    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=dict)
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    org: str = ""
    orgs: Mapping[str, str] = field(default_factory=dict)
    client_id: str = ""
    name: str = ""
    scope: str = "openid profile"
    origins: str = ""

    def __post_init__(self) -> None:
        for name, url in (("issuer", self.issuer), ("jwks_uri", self.jwks_uri)):
            if url or name == "issuer":
                _check_url(name, url)
        for one in self.origins.split():
            _check_url("origins", one)
            if not _ORIGIN.fullmatch(one):
                raise ValueError(f"`origins` are like https://login.example.org, without a path, not {one!r}")
        if not self.audience:
            raise ValueError("`audience` is missing: without it, tokens made for other services would be taken")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError(f"`algorithms` may be {', '.join(ALGORITHMS)}, not {', '.join(self.algorithms) or 'none'}")
        if not self.roles:
            raise ValueError('`roles` is missing: it says who gets which role, as in roles = {"cd-staff" = "operator"}')
        known = get_args(Role)
        for value, role in self.roles.items():
            if role not in known:
                raise ValueError(f"`roles`: {value} is given {role!r}, and the roles are {', '.join(known)}")
        for org in (self.org, *self.orgs.values()):
            if org and not _ORG.fullmatch(org):
                raise ValueError(f"{org!r} cannot be an organisation: small letters, digits and `-`, at most 40")

    @staticmethod
    def from_table(table: Any) -> Issuer:
        """From a table of the settings' file. Raises TypeError, ValueError."""
        if not isinstance(table, Mapping):
            raise TypeError("it must be a table, [[issuer]]")
        known = {one.name for one in fields(Issuer)}
        if strange := sorted(set(table) - known):
            raise ValueError(f"unknown key `{strange[0]}`; known: {', '.join(sorted(known))}")
        if missing := [name for name in ("issuer", "audience") if name not in table]:
            raise ValueError(f"`{missing[0]}` is missing")
        values = dict(table)
        for name, value in table.items():
            if name in ("roles", "orgs"):
                if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
                    raise TypeError(f"`{name}` must be a table of texts")
                values[name] = dict(value)
            elif name == "algorithms":
                if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                    raise TypeError("`algorithms` must be a list of texts")
                values[name] = tuple(value)
            elif not isinstance(value, str):
                raise TypeError(f"`{name}` must be a text")
        return Issuer(**values)

    def org_of(self, claims: Mapping[str, Any]) -> str:
        """The organisation these claims are of; "" only where `orgs` says so. Raises Forbidden."""
        if self.org:
            return self.org
        value = claim(claims, self.org_claim)
        named = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        if self.orgs:
            found = {self.orgs[one] for one in named if one in self.orgs}
        else:
            found = {one for one in named if _ORG.fullmatch(one)}
        if len(found) != 1:
            raise Forbidden(
                f"your sign-in service does not say which one organisation you are of (claim {self.org_claim})",
                hint="the installation's administrator maps that claim to organisations",
            )
        return found.pop()

    def role_of(self, claims: Mapping[str, Any]) -> Role:
        """The highest role these claims give. Raises Forbidden when there is none."""
        value = claim(claims, self.role_claim)
        named = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        given = {self.roles[one] for one in named if isinstance(one, str) and one in self.roles}
        order = cast("tuple[Role, ...]", get_args(Role))
        if not given:
            raise Forbidden(
                f"your sign-in service gives you no role here (claim {self.role_claim})",
                hint="ask for one of: " + ", ".join(sorted(self.roles)),
            )
        return max(given, key=order.index)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by name, or by path (`realm_access.roles`) when none is called so; None when there is neither."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def check_together(issuers: Sequence[Issuer]) -> None:
    """Raises ValueError: two are the same, or one of several could speak for every organisation."""
    names = [one.issuer for one in issuers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the issuer {twice[0]} is there twice")
    for one in issuers:
        if len(issuers) > 1 and not one.org and not one.orgs:
            raise ValueError(
                f"with several issuers, each must be given its organisations: {one.issuer} needs `org` or `orgs`"
            )


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in LOCAL
    if not (parts.scheme == "https" and parts.hostname) and not local:
        raise ValueError(f"`{name}` must be an https:// address, not {url!r}")
    if parts.username or parts.fragment:
        raise ValueError(f"`{name}` must be a plain address, not {url!r}")
