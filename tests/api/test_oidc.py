"""OIDC: real keys, a real issuer over HTTP, and what attackers send."""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from api.auth import Door
from api.oidc import LEEWAY, LONGEST, Patience, Verifier
from range.errors import Forbidden, ServiceUnavailable, Unauthenticated
from range.rows import OrgRow
from range.service.access import ROLES, actions
from range.service.context import Principal, Service
from range.service.issuers import Issuer
from range.store.opening import open_store
from range.testing.clock import FakeClock
from range.testing.supplies import memory_ports
from tests.api.issuing import DISCOVERY, EC_KEY, ED_KEY, RSA_KEY, Answer, Provider, answering, jwks, signed

OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    with answering(provider):
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.asked.clear()
    running.answers = {
        "/keys": jwks(),
        DISCOVERY: {"issuer": running.url, "jwks_uri": f"{running.url}/keys"},
    }
    return running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("oidc")
    store = open_store(f"sqlite:///{folder}/db", migrate=True)
    with store.writing() as rows:
        rows.add(OrgRow(id="blue", org="blue", created=1.0, name="blue"))
    yield Service(
        store=store, ports=memory_ports, clock=FakeClock(), data=folder, instance="t", deployment="d", replica="r",
        workers=1, jobs=1, cpus=4.0, memory=1 << 30,
    )  # fmt: skip
    store.close()


def issuer(provider: Provider, **changes: Any) -> Issuer:
    made = Issuer(
        issuer=provider.url, audience="jointrange", jwks_uri=f"{provider.url}/keys", org_claim="org",
        role_claim="realm_access.roles", roles={"staff": "operator", "boss": "admin"},
        orgs={"Blue": "blue", "Lost": "lost"},
    )  # fmt: skip
    return replace(made, **changes)


def claims(provider: Provider, **changes: Any) -> dict[str, Any]:
    now = time.time()
    whole = {
        "iss": provider.url, "aud": "jointrange", "sub": "ann", "exp": now + 600, "nbf": now - 5, "iat": now - 5,
        "org": "Blue", "realm_access": {"roles": ["staff"]}, "preferred_username": "ann",
    }  # fmt: skip
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not None}


def raw(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(body).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def verify(provider: Provider, service: Service, token: str, **changes: Any) -> Principal:
    return Verifier([issuer(provider, **changes)]).verify(token, service)


def refused(provider: Provider, service: Service, token: str, words: str = "", **changes: Any) -> None:
    with pytest.raises(Unauthenticated, match=words or None):
        verify(provider, service, token, **changes)


@pytest.mark.parametrize(
    ("key", "alg", "kid"),
    [(RSA_KEY, "RS256", "rsa"), (RSA_KEY, "RS256", "free"), (EC_KEY, "ES256", "ec"), (ED_KEY, "EdDSA", "ed")],
)
def test_a_good_token_is_somebody(provider: Provider, service: Service, key: Any, alg: str, kid: str) -> None:
    body = claims(provider, aud=["other", "jointrange"])
    who = verify(provider, service, signed(body, key, alg, kid=kid))
    assert who.id == f"oidc:{provider.url}#ann"
    assert (who.name, who.org, who.role, who.expires) == ("ann", "blue", "operator", body["exp"])
    assert (who.project, who.scopes) == ("", ())


def test_keys_are_found_by_discovery(provider: Provider, service: Service) -> None:
    assert verify(provider, service, signed(claims(provider)), jwks_uri="").name == "ann"
    assert provider.asked == [DISCOVERY, "/keys"]


@pytest.mark.parametrize("said", [{"issuer": "https://evil.example"}, {"jwks_uri": "file:///etc/passwd"}, [], 3])
def test_a_discovery_that_is_not_the_issuer_s_is_not_believed(provider: Provider, service: Service, said: Any) -> None:
    known = provider.answers[DISCOVERY]
    provider.answers[DISCOVERY] = {**known, **said} if isinstance(said, dict) else said
    with pytest.raises(ServiceUnavailable):
        verify(provider, service, signed(claims(provider)), jwks_uri="")


def test_an_unsigned_token_is_refused(provider: Provider, service: Service) -> None:
    for alg in ("none", "None", "NONE", "", None, ["RS256"], {"a": 1}):
        refused(provider, service, raw({"alg": alg, "typ": "JWT", "kid": "rsa"}, claims(provider)))
    refused(provider, service, raw({"typ": "JWT", "kid": "rsa"}, claims(provider)))
    refused(provider, service, raw({"alg": "RS256", "kid": "rsa"}, claims(provider)), "not good")


@pytest.mark.parametrize("kid", ["rsa", "free", "ec", "oct"])
def test_the_public_key_is_no_secret_to_sign_with(provider: Provider, service: Service, kid: str) -> None:
    import hashlib
    import hmac

    for secret in (PEM, json.dumps(jwks()["keys"][0]).encode(), b"k" * 32):
        header, body = {"alg": "HS256", "typ": "JWT", "kid": kid}, claims(provider)
        head = raw(header, body).rpartition(".")[0]
        signature = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        refused(provider, service, raw(header, body, signature), "signed in a way")


def test_another_algorithm_than_configured_or_than_the_key_s_is_refused(provider: Provider, service: Service) -> None:
    refused(provider, service, signed(claims(provider), RSA_KEY, "RS512"), "signed in a way")
    refused(provider, service, signed(claims(provider), EC_KEY, "ES256", kid="ec"), "signed in", algorithms=("RS256",))
    refused(provider, service, signed(claims(provider), EC_KEY, "ES256", kid="rsa"), "its key is for")
    refused(provider, service, signed(claims(provider), RSA_KEY, "RS256", kid="ec"), "its key is for")
    refused(
        provider, service, signed(claims(provider), RSA_KEY, "PS256"), "its key is for", algorithms=("RS256", "PS256")
    )
    assert verify(
        provider, service, signed(claims(provider), RSA_KEY, "PS256", kid="free"), algorithms=("RS256", "PS256")
    )


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "/dev/null", "rsa\x00", "x' OR '1'='1", "enc", "oct", "broken", "no"]
)
def test_a_key_id_is_only_looked_up_among_the_published_keys(provider: Provider, service: Service, kid: str) -> None:
    refused(provider, service, signed(claims(provider), kid=kid), "does not publish")


@pytest.mark.parametrize("kid", ["", "k" * 201])
def test_a_strange_key_id_is_refused_without_asking(provider: Provider, service: Service, kid: str) -> None:
    refused(provider, service, signed(claims(provider), kid=kid), "does not name the key")
    refused(provider, service, raw({"alg": "RS256", "kid": 7}, claims(provider), b"x"))
    assert provider.asked == []


def test_keys_that_the_token_brings_along_are_not_used(provider: Provider, service: Service) -> None:
    brought = {**json.loads(RSAAlgorithm.to_jwk(OTHER_RSA.public_key())), "kid": "rsa"}
    provider.answers["/evil"] = {"keys": [brought]}
    for headers in ({"jwk": brought}, {"jku": f"{provider.url}/evil"}, {"x5u": f"{provider.url}/evil"}):
        refused(provider, service, signed(claims(provider), OTHER_RSA, **headers), "not good")
    refused(provider, service, signed(claims(provider), crit=["exp"]))
    assert set(provider.asked) == {"/keys"}


def test_a_changed_token_is_refused(provider: Provider, service: Service) -> None:
    head, _, signature = signed(claims(provider)).split(".")
    body = raw({}, claims(provider, sub="bob", realm_access={"roles": ["boss"]})).split(".")[1]
    refused(provider, service, f"{head}.{body}.{signature}", "not good")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "not good"),
        ({"exp": "soon"}, "not good"),
        ({"exp": 1e300}, ""),
        ({"nbf": 9_999_999_999}, "not good"),
        ({"iat": 9_999_999_999}, "not good"),
        ({"aud": "other"}, "another service"),
        ({"aud": ["other"]}, "another service"),
        ({"aud": None}, "not good"),
        ({"sub": None}, "not good"),
        ({"sub": 7}, "not good"),
    ],
)
def test_claims_must_be_right(provider: Provider, service: Service, change: dict[str, Any], words: str) -> None:
    token = signed(claims(provider, **change))
    if change.get("exp") == 1e300:
        assert verify(provider, service, token).expires == 1e300
        return
    refused(provider, service, token, words)


def test_clocks_may_differ_a_little(provider: Provider, service: Service) -> None:
    now = time.time()
    verify(provider, service, signed(claims(provider, exp=now - LEEWAY / 2)))
    verify(provider, service, signed(claims(provider, nbf=now + LEEWAY / 2, iat=now + LEEWAY / 2)))
    refused(provider, service, signed(claims(provider, exp=now - LEEWAY - 5)), "expired")


def test_an_unknown_issuer_is_refused_without_asking_anybody(provider: Provider, service: Service) -> None:
    for name in ("https://evil.example", f"{provider.url}/", provider.url.upper(), None, 3, [provider.url]):
        body = {**claims(provider), "iss": name}
        refused(provider, service, raw({"alg": "RS256", "kid": "rsa"}, body, b"x"))
    assert provider.asked == []


def test_one_issuer_cannot_sign_for_another(provider: Provider, service: Service) -> None:
    provider.answers["/other"] = {"keys": [{**json.loads(RSAAlgorithm.to_jwk(OTHER_RSA.public_key())), "kid": "rsa"}]}
    other = issuer(provider, issuer="https://other.example", jwks_uri=f"{provider.url}/other", org="blue")
    verifier = Verifier([issuer(provider), other])
    token = signed(claims(provider, iss="https://other.example"), OTHER_RSA)
    assert verifier.verify(token, service).id == "oidc:https://other.example#ann"
    with pytest.raises(Unauthenticated, match="not good"):
        verifier.verify(signed(claims(provider), OTHER_RSA), service)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "...", "a.b.c", "é.é.é", "e30.e30.", "x" * (LONGEST + 1)])
def test_what_is_no_token_is_refused(provider: Provider, service: Service, token: str) -> None:
    refused(provider, service, token)


def test_a_huge_or_deep_token_is_refused(provider: Provider, service: Service) -> None:
    refused(provider, service, signed(claims(provider, filler="x" * LONGEST)), "no token of this service")
    deep = base64.urlsafe_b64encode(b'{"a":' * 1500 + b"1" + b"}" * 1500).rstrip(b"=").decode()
    refused(provider, service, f"e30.{deep}.x")
    assert provider.asked == []


def test_without_issuers_no_jwt_is_taken(provider: Provider, service: Service) -> None:
    with pytest.raises(Unauthenticated):
        Verifier([]).verify(signed(claims(provider)), service)


@pytest.mark.parametrize("change", [{"realm_access": None}, {"realm_access": {"roles": ["guest"]}}, {"org": "Red"}])
def test_who_has_no_role_or_organisation_here_is_told_so(
    provider: Provider, service: Service, change: dict[str, Any]
) -> None:
    with pytest.raises(Forbidden):
        verify(provider, service, signed(claims(provider, **change)))


def test_an_organisation_that_is_not_made_yet_is_told_so(provider: Provider, service: Service) -> None:
    with pytest.raises(Forbidden, match="lost, is not known here"):
        verify(provider, service, signed(claims(provider, org="Lost")))


def test_the_door_takes_a_jwt_as_bearer_and_notes_who_has_no_role(provider: Provider, service: Service) -> None:
    door = Door(service, [issuer(provider)])
    try:
        who = door.enter(f"Bearer {signed(claims(provider))}", "192.0.2.1")
        assert actions(who) == ROLES["operator"]
        with pytest.raises(Forbidden, match="no role"):
            door.enter(f"Bearer {signed(claims(provider, realm_access=None))}", "192.0.2.1")
    finally:
        door.close()
    with service.store.reading() as rows:
        noted = [one for one in rows.audit(0, 1000) if one.action == "sign-in"]
    assert "gives you no role here" in noted[-1].detail["reason"]


@dataclass
class Hands:
    """A clock that the test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


PATIENCE = Patience(fresh=300.0, stale=3600.0, between=10.0, timeout=2.0)


def test_keys_are_asked_for_once_and_again_when_they_are_old(provider: Provider, service: Service) -> None:
    hands = Hands()
    verifier = Verifier([issuer(provider)], PATIENCE, hands)
    for _ in range(5):
        verifier.verify(signed(claims(provider)), service)
    assert provider.asked == ["/keys"]
    hands.now = 299.0
    verifier.verify(signed(claims(provider)), service)
    assert len(provider.asked) == 1
    hands.now = 300.0
    verifier.verify(signed(claims(provider)), service)
    assert len(provider.asked) == 2


def test_a_key_that_was_taken_back_is_refused_when_keys_are_fresh_again(provider: Provider, service: Service) -> None:
    hands = Hands()
    verifier = Verifier([issuer(provider)], PATIENCE, hands)
    verifier.verify(signed(claims(provider)), service)
    provider.answers["/keys"] = {"keys": jwks()["keys"][1:2]}
    hands.now = 301.0
    with pytest.raises(Unauthenticated, match="does not publish"):
        verifier.verify(signed(claims(provider)), service)


def test_a_new_key_is_found_and_unknown_ones_do_not_make_us_ask_all_the_time(
    provider: Provider, service: Service
) -> None:
    hands = Hands()
    verifier = Verifier([issuer(provider)], PATIENCE, hands)
    verifier.verify(signed(claims(provider)), service)
    provider.answers["/keys"]["keys"].append({**json.loads(RSAAlgorithm.to_jwk(OTHER_RSA.public_key())), "kid": "new"})
    fresh = signed(claims(provider), OTHER_RSA, kid="new")
    for number in range(20):
        with pytest.raises(Unauthenticated):
            verifier.verify(signed(claims(provider), kid=f"made-up-{number}"), service)
    assert provider.asked == ["/keys"]
    hands.now = 10.0
    assert verifier.verify(fresh, service).name == "ann"
    assert len(provider.asked) == 2


def test_an_issuer_that_is_silent_is_no_stranger_s_fault(provider: Provider, service: Service) -> None:
    hands = Hands()
    verifier = Verifier([issuer(provider)], PATIENCE, hands)
    provider.answers.clear()
    for _ in range(3):
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            verifier.verify(signed(claims(provider)), service)
    assert provider.asked == ["/keys"], "asked once in ten seconds"
    provider.answers["/keys"] = jwks()
    hands.now = 11.0
    assert verifier.verify(signed(claims(provider)), service).name == "ann"


def test_known_keys_are_believed_for_a_while_when_it_is_silent(provider: Provider, service: Service) -> None:
    hands = Hands()
    verifier = Verifier([issuer(provider)], PATIENCE, hands)
    verifier.verify(signed(claims(provider)), service)
    provider.answers.clear()
    hands.now = 3599.0
    assert verifier.verify(signed(claims(provider)), service).name == "ann"
    hands.now = 3600.0
    with pytest.raises(ServiceUnavailable):
        verifier.verify(signed(claims(provider)), service)


@pytest.mark.parametrize("answer", [b"no json", b"[]", b'{"keys": 3}', b" " * (300 << 10), b"\xff\xfe"])
def test_what_is_no_list_of_keys_is_not_used(provider: Provider, service: Service, answer: bytes) -> None:
    provider.answers["/keys"] = answer
    with pytest.raises(ServiceUnavailable):
        verify(provider, service, signed(claims(provider)))


def test_a_redirect_is_not_followed(provider: Provider, service: Service) -> None:
    provider.answers["/elsewhere"] = jwks()
    provider.answers["/keys"] = f"{provider.url}/elsewhere"
    with pytest.raises(ServiceUnavailable):
        verify(provider, service, signed(claims(provider)))
    assert provider.asked == ["/keys"]


def test_an_issuer_that_cannot_be_reached(service: Service, provider: Provider) -> None:
    with pytest.raises(ServiceUnavailable):
        verify(provider, service, signed(claims(provider)), jwks_uri="http://127.0.0.1:1/keys")


def test_many_at_once_ask_once(provider: Provider, service: Service) -> None:
    verifier = Verifier([issuer(provider)], replace(PATIENCE, wait=30.0), Hands())
    token, names = signed(claims(provider)), list[str]()
    threads = [threading.Thread(target=lambda: names.append(verifier.verify(token, service).name)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["ann"] * 8
    assert provider.asked == ["/keys"]


def test_a_silent_issuer_holds_up_one_thread_and_nobody_else(provider: Provider, service: Service) -> None:
    """Made-up keys of strangers, all at once, while the issuer takes its time."""
    asked, go_on, callers, seats = threading.Event(), threading.Event(), 30, 2
    verifier = Verifier([issuer(provider)], replace(PATIENCE, timeout=120.0, wait=60.0, seats=seats), Hands())

    def silent(method: str, path: str, body: bytes, origin: str) -> Answer:
        asked.set()
        assert go_on.wait(30)
        return Answer(200, json.dumps(jwks()).encode())

    provider.answer = silent  # type: ignore[method-assign]
    told: queue.Queue[str] = queue.Queue()

    def ask(number: int) -> None:
        try:
            verifier.verify(signed(claims(provider), kid=f"made-up-{number}"), service)
        except (ServiceUnavailable, Unauthenticated) as error:
            told.put(type(error).__name__)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(callers)]
    try:
        threads[0].start()
        assert asked.wait(10)
        for thread in threads[1:]:
            thread.start()
        turned_away = [told.get(timeout=20) for _ in range(callers - 1 - seats)]
        assert turned_away == ["ServiceUnavailable"] * len(turned_away)
        assert told.empty(), "who has a seat waits for the answer"
    finally:
        go_on.set()
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(60)
        del provider.answer  # type: ignore[method-assign]
    assert [told.get_nowait() for _ in range(1 + seats)] == ["Unauthenticated"] * (1 + seats), "they know better now"
    assert verifier.verify(signed(claims(provider)), service).name == "ann"
