"""What is shipped: the wheel holds every module and every data file, and works in an empty environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.architecture.source import ROOT, files

pytestmark = pytest.mark.slow

DATA = ("topologies", "playbooks")


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """The output of a command that must end well."""
    ended = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, f"{command}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    [built] = folder.glob("jointrange-*.whl")
    return built


def test_the_wheel_holds_everything_and_nothing_else(wheel: Path) -> None:
    shipped = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {name for name in files() if name.startswith(("range/", "api/"))}
    wanted |= {f"range/_data/{name}" for name in files() if name.startswith(tuple(f"{part}/" for part in DATA))}
    empty = [part for part in DATA if not any(name.startswith(f"range/_data/{part}/") for name in wanted)]
    assert not empty, f"nothing to ship in {empty}"
    assert wanted - shipped == set(), "not in the wheel"
    assert shipped - wanted == set(), "in the wheel, but not ours to ship"


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in ZipFile(wheel).namelist())
