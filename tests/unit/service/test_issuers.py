"""Issuers: what may be configured, and how claims become an organisation and a role."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from range.errors import Forbidden
from range.service.issuers import Issuer, check_together, claim

TABLE: dict[str, Any] = {
    "issuer": "https://id.example", "audience": "jointrange", "roles": {"staff": "operator", "boss": "admin"},
    "orgs": {"Blue Team": "blue", "Red Team": "red"},
}  # fmt: skip
ISSUER = Issuer.from_table(TABLE)


def test_a_table_becomes_an_issuer_with_safe_algorithms() -> None:
    assert ISSUER.audience == "jointrange"
    assert ISSUER.algorithms == ("RS256", "ES256", "EdDSA")
    assert Issuer.from_table({**TABLE, "algorithms": ["PS256"]}).algorithms == ("PS256",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "http://id.example"}, "https://"),
        ({"issuer": "ftp://id.example"}, "https://"),
        ({"issuer": ""}, "https://"),
        ({"jwks_uri": "file:///etc/passwd"}, "https://"),
        ({"jwks_uri": "https://user@id.example/keys"}, "plain address"),
        ({"audience": ""}, "other services"),
        ({"algorithms": ["HS256"]}, "HS256"),
        ({"algorithms": ["none"]}, "none"),
        ({"algorithms": []}, "algorithms"),
        ({"roles": {}}, "roles"),
        ({"roles": {"staff": "root"}}, "root"),
        ({"orgs": {"x": "Not An Id"}}, "Not An Id"),
        ({"secret": "x"}, "unknown key `secret`"),
    ],
)
def test_what_is_unsafe_or_wrong_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Issuer.from_table({**TABLE, **change})


@pytest.mark.parametrize("change", [{"roles": ["a"]}, {"algorithms": "RS256"}, {"audience": 3}, {"orgs": {"a": 1}}])
def test_what_is_of_another_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Issuer.from_table({**TABLE, **change})


def test_no_table_at_all_is_refused() -> None:
    with pytest.raises(TypeError, match="table"):
        Issuer.from_table("https://id.example")
    with pytest.raises(ValueError, match="audience"):
        Issuer.from_table({"issuer": "https://id.example"})


def test_the_claim_is_translated_to_an_organisation() -> None:
    assert ISSUER.org_of({"org": "Blue Team"}) == "blue"
    assert ISSUER.org_of({"org": ["Other", "Red Team"]}) == "red"
    assert replace(ISSUER, orgs={}).org_of({"org": "blue"}) == "blue"
    assert replace(ISSUER, org="green").org_of({"org": "Blue Team"}) == "green"


@pytest.mark.parametrize("said", [None, "", "blue", "Green Team", ["Blue Team", "Red Team"], {"a": 1}, 7])
def test_who_is_of_no_one_organisation_is_refused(said: Any) -> None:
    with pytest.raises(Forbidden, match="one organisation"):
        ISSUER.org_of({"org": said})


@pytest.mark.parametrize("said", ["", "Not An Id", "../x", "x" * 60])
def test_a_claim_cannot_name_the_installation(said: str) -> None:
    with pytest.raises(Forbidden):
        replace(ISSUER, orgs={}).org_of({"org": said})


def test_the_highest_role_counts() -> None:
    assert ISSUER.role_of({"roles": ["staff"]}) == "operator"
    assert ISSUER.role_of({"roles": ["boss", "staff", 3]}) == "admin"
    assert ISSUER.role_of({"roles": "staff other"}) == "operator"


@pytest.mark.parametrize("said", [None, [], ["admin"], "nobody", {"staff": True}])
def test_who_is_given_no_role_is_refused(said: Any) -> None:
    with pytest.raises(Forbidden, match="no role"):
        ISSUER.role_of({"roles": said})


def test_a_claim_may_be_inside_others() -> None:
    assert claim({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == ["a"]
    assert claim({"realm_access.roles": 1, "realm_access": {"roles": 2}}, "realm_access.roles") == 1
    assert claim({"https://example/roles": ["a"]}, "https://example/roles") == ["a"]
    assert claim({"realm_access": "x"}, "realm_access.roles") is None


def test_one_of_several_issuers_cannot_speak_for_everybody() -> None:
    free = replace(ISSUER, orgs={}, issuer="https://other.example")
    check_together([free])
    check_together([ISSUER, replace(free, org="red")])
    with pytest.raises(ValueError, match=r"other\.example needs"):
        check_together([ISSUER, free])
    with pytest.raises(ValueError, match="twice"):
        check_together([ISSUER, ISSUER])
