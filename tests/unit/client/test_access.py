"""Tokens, organisations, projects, use and the audit log of a real service."""

from __future__ import annotations

import pytest

from range.errors import Forbidden, NotFound, Unauthenticated
from range.wire import OrgChange, OrgRequest, QuotaView, TokenRequest
from tests.serving import Served
from tests.unit.conftest import Ask


def test_a_token_is_made_used_and_revoked(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    made = client.tokens.new(TokenRequest(name="ci", role="operator", lease="1h"))
    assert made.id in [one.id for one in client.tokens.all()]
    other = ask(served.address, made.token)
    assert (other.access.me().name, other.access.me().role) == ("ci", "operator")
    with pytest.raises(Forbidden):
        list(other.tokens.all())
    client.tokens.revoke(made.id)
    with pytest.raises(Unauthenticated):
        ask(served.address, made.token).access.me()


def test_an_organisation_with_its_projects_and_use(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    client.organisations.new(OrgRequest(id="blue", name="Blue", quota=QuotaView(ranges=2)))
    assert client.organisations.change("blue", OrgChange(share=2)).share == 2
    assert client.organisations.get("blue").quota.ranges == 2
    assert "blue" in [one.id for one in client.organisations.all()]
    admin = ask(served.address, served.token("admin", "blue"))
    admin.projects.new("web")
    assert [one.name for one in admin.projects.all()] == ["web"]
    admin.projects.remove("web")
    assert list(admin.projects.all()) == []
    with pytest.raises(NotFound):
        admin.projects.remove("web")
    assert (admin.access.use().org, admin.access.use().ranges) == ("blue", 0)
    assert client.access.use("blue").quota.ranges == 2
    with pytest.raises(Forbidden):
        admin.organisations.new(OrgRequest(id="red"))


def test_the_audit_log(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    client.tokens.revoke(client.tokens.new(TokenRequest(name="gone")).id)
    assert {"tokens.issue", "tokens.revoke"} & {one.action for one in client.audit.all()}
    check = client.audit.verify()
    assert check.holds
    assert check.entries >= 2
