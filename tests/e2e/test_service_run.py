"""A run of the service whose process is killed in the middle of a trial: the next process ends it, nothing twice."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from range import wiring
from range.bundle.verify import verify
from range.rows import EventRow, RunRow
from range.service import run_files, runs
from range.service.context import Principal, Service
from range.settings import from_environment
from range.wire import RunRequest, Upload, UploadFile
from tests.e2e.campaign import CAMPAIGN, SCENARIO, TOOL
from tests.e2e.terminal import Terminal, ended, wait_for_line
from tests.e2e.traces import look, nothing_new, ours, output

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.slow]

WHO = Principal("token:test", "test", "org", "operator")
STEPS = """
  - {id: note, title: Note, technique: T1082, from: {role: client}, target: {role: server}, captured: false,
     run: "echo once >> /tmp/count; cat /tmp/count", effect: {output: once}}
benign:"""


@pytest.fixture
def terminal(terminal: Terminal) -> Terminal:
    """A terminal whose service has a database, a folder and one trial at a time of its own."""
    data = terminal.folder / "data"
    return replace(terminal, extra={"JOINTRANGE_DATA": str(data), "JOINTRANGE_JOBS": "1"})


@pytest.fixture
def service(terminal: Terminal) -> Iterator[Service]:
    """The same service, in this process: it asks for runs and keeps none."""
    told = {name: value for name, value in terminal.environment.items() if name.startswith("JOINTRANGE_")}
    made = wiring.service(from_environment(told))
    yield made
    made.store.close()


def start(service: Service, step: str) -> RunRow:
    """A run of two steps, one trial of each of two arms."""
    files = {
        "campaign.yaml": CAMPAIGN,
        "scenario.yaml": SCENARIO.replace("STEP", step).replace("\nbenign:", STEPS, 1),
        "watch/tool.yaml": TOOL,
    }
    upload = Upload(main="campaign.yaml", files=tuple(UploadFile(path=name, text=one) for name, one in files.items()))
    request = RunRequest(upload=upload, trials=1, benign_window="1s", fresh=True)
    wanted = runs.prepare(service, WHO, request)
    with service.store.writing() as rows:
        return runs.start(rows, service, WHO, wanted, request)


def told(service: Service, key: str) -> tuple[RunRow, tuple[EventRow, ...]]:
    """The run now, and all that was ever told of it."""
    with service.store.reading() as rows:
        row = rows.get(RunRow, key)
        assert row is not None
        return row, rows.events(0, 10_000, subject=f"run/{key}")


def owners(instance: str) -> set[str]:
    """Whose containers there are, by their labels."""
    label = '{{index .Config.Labels "jointrange.owner"}}'
    return {output("docker", "inspect", "-f", label, name).strip() for name in ours(instance)}


def test_a_run_whose_process_is_killed_goes_on_and_ends(terminal: Terminal, service: Service) -> None:
    before = look(terminal)
    row = start(service, "sleep 2")
    process = terminal.python("-m", "tests.e2e.keeping_runs", row.id)
    wait_for_line(process, 'run.progress {"done": 1, "total": 2}')
    wait_for_line(process, "run.step")
    assert owners(terminal.instance) == {service.owner(f"run/{row.id}")}
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -9
    assert ours(terminal.instance), "nobody was there to remove the range"
    [folder] = list(run_files.place(service, row).glob("*/run.json"))
    [first] = list(folder.parent.glob("trials/*/trial.json"))
    kept = (first, first.read_bytes(), first.stat().st_mtime_ns)

    code, heard = ended(terminal.python("-m", "tests.e2e.keeping_runs", row.id))
    assert code == 0, heard
    assert "1 of 2 trials are there" in heard
    row, events = told(service, row.id)
    assert (row.status, row.decision, row.done, row.total) == ("done", "insufficient", 2, 2), row
    assert row.run == folder.parent.name
    assert (first, first.read_bytes(), first.stat().st_mtime_ns) == kept, "a trial that had ended is not run again"
    trials = sorted(folder.parent.glob("trials/*/trial.json"))
    assert [path.parent.name for path in trials] == ["control-1", "defended-1"]
    for path in trials:
        once(path)
    assert [event.data["status"] for event in events if event.type == "run.status"] == ["queued", "running", "done"]
    assert [event.data["done"] for event in events if event.type == "run.progress"][-1] == 2
    assert len({event.seq for event in events}) == len(events)
    sealed = run_files.bundle(service, row)
    assert verify(sealed).holds
    assert terminal.run("verify", str(sealed)).returncode == 0
    assert runs.rescore(service, row).equal
    assert {(one.arm, one.step) for one in runs.verdicts(service, row)} == {
        (arm, step) for arm in ("control", "defended") for step in ("wait", "note")
    }
    nothing_new(terminal, before)


def once(path: Path) -> None:
    """A trial has each of its steps once, and they were done once in its range."""
    actions = json.loads(path.read_text())["trial"]["actions"]
    steps = Counter(one["id"] for one in actions if one["kind"] == "step")
    assert steps == {"wait": 1, "note": 1}
    [noted] = [one for one in actions if one["id"] == "note"]
    assert re.findall("once", noted["stdout"]) == ["once"]


def test_a_cancelled_run_ends_at_once_and_leaves_nothing(terminal: Terminal, service: Service) -> None:
    before = look(terminal)
    row = start(service, "sleep 50")
    process = terminal.python("-m", "tests.e2e.keeping_runs", row.id)
    wait_for_line(process, "run.step")
    begun = service.store.now()
    with service.store.writing() as rows:
        runs.cancel(rows, service, WHO, runs.find(rows, WHO, row.id))
    code, heard = ended(process)
    assert code == 0, heard
    row, events = told(service, row.id)
    assert (row.status, row.reason) == ("cancelled", "cancelled; 0 of 2 trials are kept")
    assert row.ended - begun < 30, "the step under way is not waited for"
    assert [one.data["status"] for one in events if one.type == "run.status"][-2:] == ["cancelling", "cancelled"]
    nothing_new(terminal, before)
