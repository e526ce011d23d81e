"""The whole OpenAPI document, under schemathesis with every check: no fault of ours, nothing but what is written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, serving

pytestmark = pytest.mark.slow

SECONDS = 60
SEED = "1"
"""A test that fails by chance says nothing about the change under test: vary it by hand."""
LIVE = ("links", "nodes", "captures", "drawing", "plan")
STREAMS = ("followEvents", "followRange", "followRun")
"""They never end, so no generated request gets an answer: tests/api/test_events.py has them."""

CONFIG = """
workers = 2
continue-on-failure = true
suppress-health-check = ["all"]

[headers]
Authorization = "Bearer {token}"

[checks]
positive_data_acceptance.expected-statuses = {statuses}

[phases.fuzzing]
enabled = true

[[operations]]
include-path-regex = "^/v1/ranges/[{{]id[}}]/({live})"
parameters = {{ id = "{id}", node = "one", interface = "eth0", network = "lan", seconds = 0.05 }}
# The range of these parameters is not the one that was created a moment ago, whatever a chain of requests believes.
checks.ensure_resource_availability.enabled = false
"""
REFUSED = [200, 201, 202, 204, 304, 400, 401, 403, 404, 409, 412, 422, 424, 428, 429]
"""What a request may get that fits the schema: the rest of what is asked of it no schema says (a document's content,
names that are taken, versions that are not the newest)."""


A_TOPOLOGY = """
schema: jointrange.topology/1
name: made
networks: {lan: {cidr: 10.0.0.0/24}}
nodes: {one: {image: jointrange/base, networks: [lan]}}
"""


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a range that is up, and with patience for callers who guess tokens."""
    with serving(tmp_path_factory.mktemp("schema")) as made:
        made.app.state.door.failures.allowed = 10**9
        made.launched(made.client(), name="here")
        yield made


def test_the_service_is_as_its_document_says(lively: Served, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    key = lively.client().get("/v1/ranges/here").json()["id"]
    config.write_text(CONFIG.format(token=lively.token(), statuses=REFUSED, live="|".join(LIVE), id=key))
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run"]
    command += [
        f"{lively.address}/openapi.json",
        "--checks",
        "all",
        "--max-time",
        str(SECONDS),
        "--no-color",
        "--seed",
        SEED,
    ]
    for name in STREAMS:
        command += ["--exclude-operation-id", name]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 4)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said[-20_000:]
    tested = [line for line in said.splitlines() if line.strip().startswith("Tested: ")]
    assert tested, said[-5_000:]
    assert int(tested[0].split()[1]) >= 70, "nearly every operation is tested"


@pytest.mark.parametrize(
    ("collection", "body"),
    [
        ("ranges", {"topology": "pair"}),
        ("pools", {"name": "made", "topology": "pair", "warm": 1}),
        ("runs", {"campaign": "demo"}),
        ("topologies", {"main": "t.yaml", "files": [{"path": "t.yaml", "text": A_TOPOLOGY}]}),
        ("organisations", {"id": "made", "name": "Made"}),
        ("projects", {"name": "made"}),
        ("tokens", {"name": "made", "role": "viewer"}),
    ],
)
def test_what_was_made_is_there(lively: Served, collection: str, body: dict[str, object]) -> None:
    """At once, under its Location or its id, and in its list."""
    client = lively.client()
    made = client.post(f"/v1/{collection}", json=body)
    assert made.status_code in (201, 202), made.text
    name = "digest" if collection == "topologies" else "id"
    key = made.json()[name]
    place = made.headers.get("location", f"/v1/{collection}/{key}")
    if collection not in ("projects", "tokens"):  # which are only listed
        found = client.get(place)
        assert (found.status_code, found.json()[name]) == (200, key), found.text
    assert key in [one[name] for one in client.get(f"/v1/{collection}").json()["items"]]
    if collection in ("ranges", "pools"):
        assert client.delete(place).status_code == 202


def test_the_document_is_whole(lively: Served) -> None:
    """Every operation has a name, words about it, a group, and says what goes wrong."""
    api = lively.stranger().get("/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    names = []
    for path, item in api["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert all(operation.get(key) for key in ("summary", "description", "tags", "operationId")), where
            names.append(operation["operationId"])
            bad = [status for status in operation["responses"] if status >= "400" and status != "503"]
            assert bad, where
            for status in bad:
                assert "application/problem+json" in operation["responses"][status]["content"], f"{where} {status}"
    assert len(names) == len(set(names)) > 60
    assert {"listTopologies", "getTopology", "uploadTool", "listBenignProfiles", "deleteBenignProfile"} <= set(names)
    assert {tag["name"] for tag in api["tags"]} >= {
        tag for item in api["paths"].values() for o in item.values() for tag in o["tags"]
    }
