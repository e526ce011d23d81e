"""What goes into a run: the files as they are on disk, and one digest of them and of the images they lead to.

Knows: what is kept of a campaign, and under which names (below `inputs/` of the run's folder).
Must never: follow a symbolic link out of a tool's folder, or keep what is too large to hand on.

    campaign.yaml   topology/   scenario/   benign/   tools/<tool>/      two tools of one name: <tool>, <tool>-2
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from range.catalogue import LoadedCampaign
from range.catalogue.finding import files_in
from range.errors import Invalid, Problem, Where

BYTES_AT_MOST = 256 * 2**20
"""All of a run's inputs together."""


def files(loaded: LoadedCampaign) -> dict[str, bytes]:
    """Every input file: name -> bytes. Raises Invalid when one cannot be read, or they are too large together."""
    found = {
        "campaign.yaml": _read(loaded.path),
        f"topology/{loaded.topology.path.name}": _read(loaded.topology.path),
        f"scenario/{loaded.scenario.path.name}": _read(loaded.scenario.path),
    }
    found |= {f"topology/{name}": content for name, content in loaded.topology.sources.items()}
    found |= {f"scenario/{name}": content for name, content in loaded.scenario.sources.items()}
    if loaded.profile is not None:
        found[f"benign/{loaded.profile.path.name}"] = _read(loaded.profile.path)
    taken: set[str] = set()
    for tool in loaded.tools.values():
        name = _free(tool.tool.name, taken)
        found[f"tools/{name}/{tool.path.name}"] = _read(tool.path)
        found |= {f"tools/{name}/{part}": content for part, content in tool.sources.items()}
        for path in files_in(tool.folder):
            found[f"tools/{name}/{path.relative_to(tool.folder).as_posix()}"] = _read(path)
            if sum(len(content) for content in found.values()) > BYTES_AT_MOST:
                what = (
                    f"the tool's folder is larger than {BYTES_AT_MOST // 2**20} MiB, too large to be kept as evidence"
                )
                raise Invalid([Problem(Where(str(tool.folder), 0), what, "give the tool a folder of its own")])
    return found


def digest(parts: Mapping[str, bytes], facts: Iterable[object]) -> str:
    """SHA-256 over the files and the facts (images, overrides, version, ...), in hexadecimal."""
    key = [[name, sha256(content).hexdigest()] for name, content in sorted(parts.items())]
    return sha256(json.dumps([key, list(facts)], sort_keys=True).encode()).hexdigest()


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    taken.add(free)
    return free


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_AT_MOST + 1)
    except OSError as error:
        raise Invalid([Problem(Where(str(path), 0), f"the file cannot be read: {error.strerror}")]) from None
