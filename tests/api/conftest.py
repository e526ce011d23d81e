"""One service for all tests of a module: each test makes what it needs under names of its own.

A module that says `DATABASES = ("sqlite", "postgresql")` is run once over each.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.databases import Cluster
from tests.serving import Served, serving


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    databases = getattr(metafunc.module, "DATABASES", None)
    if databases and "served" in metafunc.fixturenames:
        metafunc.parametrize("served", databases, indirect=True, scope="module")


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("service")
    if getattr(request, "param", "sqlite") == "sqlite":
        with serving(folder) as made:
            yield made
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.database(request.getfixturevalue("cluster_template"))
    with serving(folder, database_url=cluster.url(name)) as made:
        yield made
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def admin(served: Served) -> httpx.Client:
    return served.client()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made
