"""What was done, as an ATTiRe 1.1 execution log, for purple-team tools such as VECTR.

Knows: a procedure is a step of the scenario, its steps are the times it was run, in order. The format has whole
seconds only, and no place for a verdict: it is a log of execution, not of detection.
Must never: log a step that was not run.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from range.judging.result import CampaignResult
from range.ledger import Action, Trial
from range.report.folding import uuid5
from range.report.words import moment


def attire(result: CampaignResult) -> str:
    """The log as JSON text, over every trial of every arm, control too."""
    run = result.run
    runs: dict[str, list[tuple[Trial, Action]]] = {}
    for one in result.judged:
        for action in one.trial.steps:
            if action.skipped is None:
                runs.setdefault(action.id, []).append((one.trial, action))
    log = {
        "attire-version": "1.1",
        "execution-data": {
            "execution-source": f"Jointrange {run.version}",
            "execution-id": b64encode(uuid5("attire", run.run_id).encode("ascii")).decode("ascii"),
            "execution-category": {"name": run.title or run.campaign, "abbreviation": run.campaign},
            "execution-command": f"jointrange run {run.campaign}",
            "target": {"user": "", "host": run.topology, "ip": "", "path": ""},
            "time-generated": _whole(run.ended),
        },
        "procedures": [_procedure(order, name, done) for order, (name, done) in enumerate(runs.items(), 1)],
    }
    return json.dumps(log, indent=2) + "\n"


def _procedure(order: int, name: str, runs: list[tuple[Trial, Action]]) -> dict[str, Any]:
    action = runs[0][1]
    return {
        "mitre-technique-id": action.technique or "",
        "procedure-name": action.title or name,
        "procedure-id": {"type": "guid", "id": uuid5("procedure", name)},
        "procedure-description": f"{name}, from {action.source} against {action.target}; runs: "
        + ", ".join(trial.id for trial, _action in runs),
        "order": order,
        "steps": [_step(number, action) for number, (_trial, action) in enumerate(runs, 1)],
    }


def _step(order: int, action: Action) -> dict[str, Any]:
    said = (("STDOUT", action.stdout), ("STDERR", action.stderr))
    return {
        "order": order,
        "time-start": _whole(action.start),
        "time-stop": _whole(action.end),
        "executor": "replay" if action.tier == "replay" else "sh",
        "command": action.command,
        "process-id": 0,
        "exit-code": -1 if action.exit_code is None else action.exit_code,
        "is-timeout": action.timed_out,
        "output": [{"content": text, "level": level, "type": "console"} for level, text in said if text],
    }


def _whole(time: float) -> str:
    """Whole seconds, written as the format's own writer does: `2026-11-23T14:30:14.000Z`."""
    return f"{moment(time)[:19]}.000Z"
