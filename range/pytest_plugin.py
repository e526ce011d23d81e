"""The pytest plugin: ranges and campaigns as fixtures. Every pytest run loads it where Jointrange is installed, so it
is light.

    def test_reaches(range_lab):
        lab = range_lab("topologies/pair")
        assert lab.exec("one", "ping -c1 two").exit_code == 0

    def test_waf(campaign):
        assert campaign("campaigns/waf.yaml").passed

Knows: pytest. Must never: import an engine before a test asks for a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from range.lab import Lab
    from range.proving import Proof


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--jointrange-keep` and `--jointrange-results`."""
    group = parser.getgroup("jointrange")
    group.addoption(
        "--jointrange-results",
        metavar="FOLDER",
        help="where the campaign fixture keeps evidence, reports and bundles; else they go with pytest's own files",
    )
    group.addoption(
        "--jointrange-keep",
        action="store_true",
        help="leave the ranges of range_lab fixtures after the test, to look into them (`jointrange ls`, `down`)",
    )


@pytest.fixture
def range_lab(request: pytest.FixtureRequest) -> Iterator[Callable[..., Lab]]:
    """Launch ranges: `lab = range_lab("pair")`, with the arguments of range.lab.launch. Gone after the test."""
    yield from _factory(request)


@pytest.fixture(scope="session")
def range_lab_session(request: pytest.FixtureRequest) -> Iterator[Callable[..., Lab]]:
    """The same for ranges that all tests share. Gone after the last one."""
    yield from _factory(request)


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> Callable[..., Proof]:
    """Run campaigns: `campaign("waf.yaml").passed`, with the arguments of range.proving.prove.

    Results are kept in `--jointrange-results`, else in pytest's folder for temporary files.
    """
    kept = request.config.getoption("--jointrange-results")

    def run(reference: object, **options: object) -> Proof:
        from range.proving import prove  # not before a test wants it: it brings the engine's library

        folder = kept or request.getfixturevalue("tmp_path_factory").mktemp("results")
        return prove(reference, **{"results": folder, **options})  # type: ignore[arg-type]

    return run


def _factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., Lab]]:
    keep = bool(request.config.getoption("--jointrange-keep"))
    with ExitStack() as labs:

        def start(topology: object, **options: object) -> Lab:
            from range.lab import launch  # not before a test wants it: it brings the engine's library

            given = {"keep": keep, **options}
            return labs.enter_context(launch(topology, **given))  # type: ignore[arg-type]

        yield start
