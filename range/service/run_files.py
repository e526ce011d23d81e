"""The files of a run, as the service keeps them: where they lie, and which of them may be had.

Knows: that a run has a folder of its own below the service's data, with one sealed run in it once it is over.
Must never: give out a file by a path that a caller wrote: only names that are known here.

    <data>/runs/<row id>/<run>/...            the run's folder, as `jointrange run` makes it
    <data>/runs/<row id>/<run>.bundle         all of it, sealed
    <data>/cache/<organisation>/              control trials that later runs of the same organisation may take over
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from range.bundle import names
from range.errors import Conflict, NotFound
from range.judging.result import CampaignResult
from range.report.data import from_json
from range.rows import RunRow
from range.service.context import Service

MEDIA: Mapping[str, str] = MappingProxyType(
    {
        "result.json": "application/json",
        "report.html": "text/html; charset=utf-8",
        "report.md": "text/markdown; charset=utf-8",
        "junit.xml": "application/xml",
        "results.sarif": "application/sarif+json",
        "navigator.json": "application/json",
        "findings.ocsf.jsonl": "application/x-ndjson",
        "results.stix.json": "application/stix+json;version=2.1",
        "attire.json": "application/json",
    }
)
"""Every output of a run, by name, with its media type."""
BUNDLE_TYPE = "application/x-tar"


def place(service: Service, row: RunRow) -> Path:
    """The folder that is this run's alone."""
    return service.data / "runs" / row.id


def cache(service: Service, row: RunRow) -> Path:
    """Where control trials are kept for other runs of the same organisation."""
    return service.data / "cache" / (row.org or "_")


def sealed(folder: Path) -> Path | None:
    """The run in `folder` that was judged and sealed, as a folder; its bundle lies beside it. None: there is none."""
    for path in sorted(folder.glob(f"*/{names.STATEMENT}")):
        if (path.parent / names.RESULT).is_file() and bundle_of(path.parent).is_file():
            return path.parent
    return None


def bundle_of(run: Path) -> Path:
    """The bundle beside a run's folder."""
    return run.with_name(f"{run.name}{names.SUFFIX}")


def folder(service: Service, row: RunRow) -> Path:
    """The sealed folder of a run that is done. Raises Conflict (it is not), NotFound (somebody took it away)."""
    if row.status != "done":
        raise Conflict(
            f"run {row.id} is {row.status}: it has no results",
            hint="wait until its status is `done`" if not row.ended else "start another run",
        )
    found = place(service, row) / row.run
    if not row.run or not (found / names.STATEMENT).is_file():
        raise NotFound(f"the files of run {row.id} are no longer there", hint="restore the service's data folder")
    return found


def listed(service: Service, row: RunRow) -> tuple[str, ...]:
    """The names that `file` would give; none before the run is done."""
    if row.status != "done":
        return ()
    found = place(service, row) / row.run
    return tuple(name for name in MEDIA if (found / name).is_file())


def file(service: Service, row: RunRow, name: str) -> Path:
    """One output. Raises NotFound (there is none of that name), Conflict (the run is not done)."""
    if name not in MEDIA:
        raise NotFound(f"a run has no file {name[:80]!r}", hint="its files are " + ", ".join(MEDIA))
    path = folder(service, row) / name
    if not path.is_file():
        raise NotFound(f"run {row.id} has no {name}", hint="it has " + ", ".join(listed(service, row)))
    return path


def bundle(service: Service, row: RunRow) -> Path:
    """The sealed bundle. Raises Conflict (the run is not done), NotFound."""
    path = bundle_of(folder(service, row))
    if not path.is_file():
        raise NotFound(f"the bundle of run {row.id} is no longer there", hint="restore the service's data folder")
    return path


def result(service: Service, row: RunRow) -> CampaignResult:
    """What came of it. Raises Conflict (the run is not done), NotFound, Invalid (of another version)."""
    return read(folder(service, row))


def read(run: Path) -> CampaignResult:
    """The result in a sealed folder. Raises NotFound, Invalid (of another version)."""
    try:
        text = (run / names.RESULT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{run.name} has no {names.RESULT} that can be read") from error
    return from_json(text, f"{run.name}: {names.RESULT}")
