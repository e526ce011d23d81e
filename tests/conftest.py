"""Shared by every test: the Docker engine is there or the test fails, and hypothesis knows no deadline."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

import pytest
from hypothesis import HealthCheck, settings

from range.engine.client import connect
from range.errors import EngineUnavailable

PLUGIN = "range.pytest_plugin"
_INSTALLED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
pytest_plugins = ["tests.databases", *([] if _INSTALLED else [PLUGIN])]
"""Databases; and our own plugin: loaded by its entry point where Jointrange is installed, from here otherwise."""

ENGINE_FAULT = pytest.StashKey[str]()

settings.register_profile(
    "house",
    parent=settings.get_profile("ci" if os.environ.get("CI") else "default"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs the engine fails without one, before its fixtures run. It is never skipped."""
    if item.get_closest_marker("engine") is None:
        return
    stash = item.config.stash
    if ENGINE_FAULT not in stash:
        stash[ENGINE_FAULT] = _engine_fault()
    if stash[ENGINE_FAULT]:
        pytest.fail(f"{stash[ENGINE_FAULT]}\nscript/bootstrap installs and starts an engine", pytrace=False)


def _engine_fault() -> str:
    try:
        connect(timeout=20).close()
    except EngineUnavailable as error:
        return str(error)
    return ""
