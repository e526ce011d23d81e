"""RO-Crate 1.1: what a run's files are, for archives and catalogues of research data.

Knows: https://w3id.org/ro/crate/1.1, its root dataset, files, the run as a CreateAction, software.
Must never: fetch the context it names, state a licence the owner did not choose, or say what the manifest says better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from range.bundle import names
from range.bundle.manifest import OUTSIDE, canonical
from range.judging.result import CampaignResult

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/crate/1.1"

_FORMATS = {
    "json": "application/json", "jsonl": "application/jsonl", "html": "text/html", "md": "text/markdown",
    "xml": "application/xml", "sarif": "application/json", "yaml": "application/yaml", "yml": "application/yaml",
    "gz": "application/gzip", "log": "text/plain", "txt": "text/plain", "svg": "image/svg+xml", "csv": "text/csv",
    "pcap": "application/vnd.tcpdump.pcap",
}  # fmt: skip

_KINDS: Mapping[str, str] = {
    names.RUN: "What was run: seed, order of trials, versions, image digests",
    names.RESULT: "Verdicts, scorecards, gates and the decision",
    names.MANIFEST: "Size and sha256 of every file",
    names.STATEMENT: "The signed statement about the manifest (DSSE, in-toto test result)",
}

_FOLDERS: Mapping[str, str] = {
    names.ALERTS: "Alerts of a tool, as it wrote them",
    names.CAPTURES: "Packets of one network during a trial",
    names.LOGS: "What nodes and playbooks printed during a trial",
}


def crate(result: CampaignResult, files: Sequence[tuple[str, int]]) -> bytes:
    """The metadata file of a run with these files: (path, bytes), by path, without the metadata file itself."""
    run, sizes = result.run, dict(files)
    listed = [path for path in sorted({*sizes, *OUTSIDE}) if path != names.CRATE]
    tools = sorted({tool for _arm, named in result.arms for tool in named})
    inputs = [path for path in listed if path.startswith(f"{names.INPUTS}/")]
    made = [path for path in listed if path not in inputs]
    software = {"@id": "#jointrange", "@type": "SoftwareApplication", "name": "Jointrange", "version": run.version}
    graph: list[dict[str, Any]] = [
        {"@id": names.CRATE, "@type": "CreativeWork", "conformsTo": {"@id": PROFILE}, "about": {"@id": "./"}},
        {
            "@id": "./", "@type": "Dataset", "name": f"{run.title or run.campaign} ({run.run_id})",
            "description": f"Campaign {run.campaign}: scenario {run.scenario} on topology {run.topology}, with the "
            f"evidence of {len(result.judged)} trials and what was decided from it: {result.decision}.",
            "datePublished": _time(run.ended), "identifier": run.run_id, "license": {"@id": "#licence"},
            "hasPart": [_ref(path) for path in listed], "mentions": [{"@id": "#run"}],
        },
        {
            "@id": "#licence", "@type": "CreativeWork", "name": "Not stated",
            "description": "The owner of this run has not stated a licence. Ask before you use or pass on the files.",
        },
        {
            "@id": "#run", "@type": "CreateAction", "name": f"Run {run.run_id} of campaign {run.campaign}",
            "startTime": _time(run.started), "endTime": _time(run.ended),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}, "instrument": {"@id": "#jointrange"},
            "object": [_ref(path) for path in inputs] + [{"@id": _tool(tool)} for tool in tools],
            "result": [_ref(path) for path in made],
        },
        software,
        *({"@id": _tool(tool), "@type": "SoftwareApplication", "name": tool} for tool in tools),
        *(_file(path, sizes.get(path)) for path in listed),
    ]  # fmt: skip
    return canonical({"@context": CONTEXT, "@graph": graph})


def _file(path: str, size: int | None) -> dict[str, Any]:
    suffix = path.rpartition("/")[2].rpartition(".")[2].lower()
    found: dict[str, Any] = {
        "@id": _id(path), "@type": "File", "name": path,
        "encodingFormat": _FORMATS.get(suffix, "application/octet-stream"),
    }  # fmt: skip
    if size is not None:
        found["contentSize"] = str(size)
    said = _described(path)
    return found | ({"description": said} if said else {})


def _described(path: str) -> str:
    parts = path.split("/")
    if parts[0] == names.INPUTS:
        return "What went into the run, as it was"
    if parts[0] == names.TRIALS and len(parts) > 2:
        return "The ledger and the alerts of one trial" if parts[2] == names.TRIAL else _FOLDERS.get(parts[2], "")
    return _KINDS.get(path, "")


def _ref(path: str) -> dict[str, str]:
    return {"@id": _id(path)}


def _id(path: str) -> str:
    """A path as a relative URI: what stands for itself in a URI stays, and so do letters of every language."""
    return "".join(letter if ord(letter) > 127 else quote(letter, safe="/") for letter in path)


def _tool(name: str) -> str:
    return f"#tool-{quote(name)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
