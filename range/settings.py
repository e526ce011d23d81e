"""Settings: what this installation was told, by environment, once.

Knows: the names and defaults (docs/settings.md explains each). Must never: be read by anything but range/wiring.py,
range/cli and the API; everything below gets plain values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from range.errors import Fault, Invalid, Problem, Where

PREFIX = "JOINTRANGE_"
INSTANCE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings; each is the environment variable `JOINTRANGE_<NAME>`."""

    docker_host: str = ""
    """Engine endpoint; empty means DOCKER_HOST, else the local socket."""

    instance: str = "default"
    """Whose ranges these are. Installations that share an engine need different ones."""

    results: str = "results"
    """Folder for results, one sub-folder a run."""

    cache: str = "~/.cache/jointrange"
    """Folder for locks, build stamps, and control trials that later runs may take over."""

    workers: int = 0
    """Containers started at once; 0 means twice the engine's processors."""

    jobs: int = 2
    """Trials run at once."""

    @property
    def cache_folder(self) -> Path:
        """The cache folder, home expanded."""
        return Path(self.cache).expanduser()


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises Invalid naming every variable that is wrong or unknown."""
    given = os.environ if environment is None else environment
    known = {PREFIX + field.name.upper(): field for field in fields(Settings)}
    values: dict[str, str | int] = {}
    faults = []
    for name, text in sorted(given.items()):
        if not name.startswith(PREFIX) or name == PREFIX + "EXEC":
            continue
        if name not in known:
            faults.append(Fault((name,), f"unknown setting `{name}`", "known: " + ", ".join(sorted(known))))
        elif known[name].type == "int":
            if text.isdecimal():
                values[known[name].name] = int(text)
            else:
                faults.append(Fault((name,), f"`{name}` is `{text}`, which is no whole number", "e.g. 2"))
        elif known[name].name == "instance" and not re.fullmatch(INSTANCE, text):
            faults.append(Fault((name,), f"`{name}` is `{text}`, which cannot begin a container's name", "e.g. ci-2"))
        else:
            values[known[name].name] = text
    if values.get("jobs") == 0:
        faults.append(Fault((f"{PREFIX}JOBS",), f"`{PREFIX}JOBS` is 0: no trial would ever run", "e.g. 2"))
    if faults:
        raise Invalid([Problem(Where("environment", 0, 0), fault.what, fault.hint) for fault in faults])
    return Settings(**values)  # type: ignore[arg-type]
