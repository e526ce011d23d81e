"""What lies where in a run's folder, and so in its bundle.

Knows: names, relative to the folder, with forward slashes.
Must never: read or write.

    <run id>/
      run.json                     what was run: seed, order, versions, digests; written first
      inputs/                      campaign, scenario, topology, profile, tools with their playbooks, as they were
      trials/<arm>-<number>/
        trial.json                 the ledger, the alerts, everything judged by (range/ledger.py: Trial)
        alerts/<node>-<tool>-<source>.log.gz     the lines of the tool's log, as they came
        captures/<network>.pcap.gz               the packets of each network
        logs/                      what nodes printed, and what playbooks said
      installs/<arm>/              what playbooks said while tools were installed, when that was done in this run
      result.json report.html report.md junit.xml ...     made from the above, and makeable again
      manifest.json                sha256 of every file above
      statement.dsse.json          the signed statement about the manifest
    <run id>.bundle                all of it as one tar file
"""

from __future__ import annotations

from typing import Literal

RUN = "run.json"
INPUTS = "inputs"
TRIALS = "trials"
TRIAL = "trial.json"
ALERTS = "alerts"
CAPTURES = "captures"
LOGS = "logs"
INSTALLS = "installs"
RESULT = "result.json"
MANIFEST = "manifest.json"
STATEMENT = "statement.dsse.json"
CRATE = "ro-crate-metadata.json"
SUFFIX = ".bundle"


def trial_folder(arm: str, number: int, purpose: Literal["main", "rerun"] = "main") -> str:
    """Where one trial's evidence lies: `trials/defended-1`, `trials/defended-1-rerun`."""
    return f"{TRIALS}/{arm}-{number}" + ("-rerun" if purpose == "rerun" else "")
