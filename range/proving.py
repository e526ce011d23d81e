"""The library's face for campaigns: run one, and ask whether it passed. For a prototype's own tests, and scripts.

    from range.proving import prove

    proof = prove("waf-pr", level="pr", seed=7)
    assert proof.passed, proof

Knows: the flows, and how to say their outcome in a few lines.
Must never: decide anything, print, or call a run without enough evidence a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from range import catalogue, wiring
from range.bundle.keys import load_private
from range.campaign import Level
from range.catalogue.attack import attack_table
from range.events import Sink, nowhere
from range.flows.campaigns import CampaignOrder, run_campaign
from range.flows.schedule import Overrides
from range.judging.result import CampaignResult
from range.ports import Ports
from range.report.table import cell
from range.settings import Settings, from_environment

SHOWN = 20
"""Gates that a proof names in words; the report has all of them."""


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """A campaign that was run. `folder` holds its evidence and reports, `bundle` all of it, sealed."""

    result: CampaignResult
    folder: Path
    bundle: Path

    @property
    def passed(self) -> bool:
        """Whether every gate passed. Not enough evidence is no pass."""
        return self.result.decision == "pass"

    @property
    def decision(self) -> Literal["pass", "fail", "insufficient"]:
        """What the gates decided: exit code 0, 1 or 2 of `jointrange run`."""
        return self.result.decision

    def verdict(self, step: str, arm: str = "") -> str:
        """What was decided about a step, e.g. `blocked`; of several trials the worst. The arm may be left out when
        only one has tools. Raises LookupError, naming what there is.
        """
        arms = [name for name, tools in self.result.arms if tools]
        if not arm and len(arms) != 1:
            raise LookupError(f"say which arm: {', '.join(arms)}")
        wanted = arm or arms[0]
        of_arm = [verdict for one in self.result.of_arm(wanted) for verdict in one.verdicts]
        found = [verdict for verdict in of_arm if verdict.step == step]
        if not found:
            there = ", ".join(dict.fromkeys(verdict.step for verdict in of_arm)) or "none"
            raise LookupError(f"arm {wanted} has no verdict on {step}; it has: {there}")
        return cell(wanted, found).label

    def __repr__(self) -> str:
        short = [gate for gate in self.result.gate_results if gate.outcome != "pass"]
        lines = [f"{self.result.run.campaign}: {self.decision}; report: {self.folder / 'report.html'}"]
        lines += [f"  {gate.outcome}: {gate.arm} {gate.gate}: {gate.reason}" for gate in short[:SHOWN]]
        if len(short) > SHOWN:
            lines.append(f"  and {len(short) - SHOWN} more")
        return "\n".join(lines)


def prove(
    campaign: str | Path,
    *,
    level: Level | None = None,
    trials: int | None = None,
    benign_window: str | None = None,
    seed: int | None = None,
    jobs: int = 0,
    fresh: bool = False,
    sign: Sequence[str | Path] = (),
    attack: str | Path | None = None,
    results: str | Path | None = None,
    settings: Settings | None = None,
    ports: Ports | None = None,
    emit: Sink = nowhere,
) -> Proof:
    """Run a campaign (a bundled name or a path) as `jointrange run` does, with the same options; its proof.
    `attack`: a STIX bundle of ATT&CK's techniques, in place of the built-in table.

    Raises RangeError when the input is wrong or the machine failed; a gate that fails raises nothing.
    """
    told = settings or from_environment()
    signers = tuple(load_private(Path(key)) for key in sign)
    order = CampaignOrder(
        loaded=catalogue.campaign(campaign),
        instance=told.instance,
        owner=wiring.owner(),
        workers=wiring.workers(told),
        jobs=jobs or told.jobs,
        results=Path(results or told.results),
        cache=told.cache_folder,
        overrides=Overrides(level, trials, benign_window, seed),
        fresh=fresh,
        signers=signers,
        table=attack_table(Path(attack)) if attack else None,
    )
    done = run_campaign(order, ports or wiring.ports(told), emit)
    return Proof(done.result, done.folder, done.bundle)
