"""The page of who may do what says what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from api.auth import Door
from api.oidc import LEEWAY, Patience
from api.throttle import Failures
from range.rows import Quota, Role
from range.service import admission, fairshare, tokens
from range.service.access import ACTIONS, INSTALLATION, ROLES, WHOLE
from range.service.issuers import DEFAULT_ALGORITHMS, Issuer, check_together
from range.wire import AuditCheck
from tests.serving import serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_table_of_roles_is_the_code_s() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \|(.*)\|$", PAGE, re.M)
    said = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows if name in ACTIONS}
    assert said.keys() == set(ACTIONS)
    for action in ACTIONS:
        expected = ["x" if action in ROLES[role] else "" for role in get_args(Role)]
        expected[-1] = "of the installation" if action in INSTALLATION else expected[-1]
        assert said[action] == expected, action
    told = PAGE.partition("project never has ")[2].partition(":")[0]
    assert set(re.findall(r"`([a-z.]+)`", told)) == WHOLE


def test_the_issuers_shown_are_good_and_every_key_is_explained() -> None:
    (block,) = shown("toml")
    check_together([Issuer.from_table(table) for table in tomllib.loads(block)["issuer"]])
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.partition("## Signing in")[2].partition("\n## ")[0], re.M))
    assert explained == {one.name for one in fields(Issuer)}
    assert all(f"`{name}`" in PAGE for name in DEFAULT_ALGORITHMS)


def test_the_token_shown_is_whole_and_its_shape_is_the_one_named() -> None:
    (text,) = re.findall(r"^    (jr_\S+)$", PAGE, re.M)
    assert tokens.well_formed(text) == "5of9ww0ang"
    (shape,) = re.findall(r"`(jr_\[\S+)`", PAGE)
    assert re.fullmatch(shape, text)


def test_the_numbers_are_the_code_s() -> None:
    quota, patience = Quota(), Patience()
    assert f"{quota.ranges} `ranges`, {quota.nodes} `nodes`, any `cpus` and `memory`, {quota.runs} `runs`" in PAGE
    assert (quota.cpus, quota.memory, quota.lease) == (None, None, 7 * 86400.0)
    assert (admission.IDLE_CPUS, admission.IDLE_MEMORY) == (0.25, 4)
    assert (fairshare.HALF_LIFE, fairshare.AHEAD, fairshare.PATIENCE) == (14 * 86400.0, 3600.0, 6 * 3600.0)
    assert (patience.fresh, patience.stale, patience.between, LEEWAY) == (300.0, 3600.0, 10.0, 30.0)
    assert (Failures().allowed, Failures().window) == (20, 60.0)
    for word in (
        "14 days",
        "six hours",
        "every five minutes",
        "every ten seconds",
        "for an hour",
        "the 21st in a minute",
    ):
        assert word in PAGE


def test_the_bounds_of_the_audit_log_are_the_code_s(tmp_path: Path) -> None:
    with serving(tmp_path, keep=False) as served:
        door: Door = served.app.state.door
        refusals, strangers = door._refusals, door._strangers
        assert (refusals.burst, refusals.every, strangers.burst, strangers.every) == (60, 10.0, 30, 60.0)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The answers that the page shows, as the service gives them."""
    with serving(tmp_path_factory.mktemp("docs"), keep=False) as served:
        root = served.client()
        quota = {"ranges": 2, "lease": 86400}
        assert root.post("/v1/organisations", json={"id": "north", "quota": quota}).status_code == 201
        lead = served.client("admin", "north")
        scopes = ["documents.read", "runs.read", "runs.write"]
        made = lead.post("/v1/tokens", json={"name": "ci", "role": "operator", "scopes": scopes}).json()
        refused = lead.get("/v1/ranges", headers={"Authorization": f"Bearer {made['token']}"}).json()
        for hours in (1, 2, 3):
            answer = lead.post("/v1/ranges", json={"topology": "pair", "lease": f"{hours}h"})
        return [refused, answer.json(), lead.get("/v1/audit/verify").json()]


def test_the_answers_shown_are_those_that_are_given(told: list[dict[str, Any]]) -> None:
    said = [json.loads(block) for block in shown("json")]
    assert len(said) == 3
    for page, real in zip(said[:2], told[:2], strict=True):
        assert page == {name: real[name] for name in page}
    assert AuditCheck(**said[2]).holds
    assert told[2]["holds"]
    assert said[2].keys() == told[2].keys()
