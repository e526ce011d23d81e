"""Commands on campaigns: run; and result, for a run of a service that nobody waited for.

Knows: what is shown while a campaign runs and after, and where its results go.
Must never: judge, or decide the exit code by anything but the campaign's decision.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from range import exits
from range.campaign import Level
from range.cli import console
from range.cli.choosing import desk, service, told
from range.cli.desk import Ended, RunWish, Waiting
from range.cli.live import RunView
from range.cli.options import Json, Out, Project, RunId, Timeout, Wait, duration
from range.cli.outfolder import results_folder
from range.errors import Exhausted
from range.judging.breakdown import breakdown
from range.judging.breakdown import told as told_of
from range.judging.result import CampaignResult
from range.report.annotations import annotations as markings
from range.report.table import rows

STYLES = {
    "effective": "yellow", "not_effective": "dim", "blocked": "green", "detected": "cyan", "telemetry": "blue",
    "missed": "bold red", "not_applicable": "dim", "inconclusive": "magenta",
}  # fmt: skip

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="A bundled campaign's name, or a path.")]
AtLevel = Annotated[Level | None, typer.Option(help="How deep to look, whatever the file says of depth.")]
Trials = Annotated[int | None, typer.Option(min=1, max=100, help="Trials of each arm.")]
Window = Annotated[str | None, typer.Option(metavar="DURATION", help="Benign-only time of each arm, e.g. 60s.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**53 - 1, help="Every random choice follows from it.")]
Attack = Annotated[Path | None, typer.Option(metavar="FILE", help="ATT&CK's own STIX bundle, for its techniques.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Trials at once; 0: as the settings say.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: jointrange run playbooks/campaigns/demo.yaml --out results")(run)
    app.command(epilog="Examples: jointrange result run-3fa9c1 · jointrange result run-3fa9c1 --timeout 0")(result)


def run(
    context: typer.Context,
    campaign: Name,
    out: Out = "",
    level: AtLevel = None,
    trials: Trials = None,
    benign_window: Window = None,
    seed: Seed = None,
    jobs: Jobs = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run control trials even if earlier ones would do.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Begin anew, even if a run was interrupted.")] = False,
    sign: Annotated[list[str] | None, typer.Option(help="Private key that signs the bundle; repeatable.")] = None,
    attack: Attack = None,
    project: Project = "",
    wait: Wait = True,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Run a campaign: every arm's trials, each in a fresh range, then the verdicts, a report, and an exit code.

    A run that was interrupted goes on when the same command is given again.

    Exit codes: 0 every gate passed · 1 a gate failed · 2 invalid or not enough evidence · 3 infrastructure ·
    4 bad input · 130 interrupted. The ranges are gone in every case.
    """
    window, keys, waiting = duration("--benign-window", benign_window), tuple(sign or ()), Waiting(wait, timeout)
    results = out or told(context).results
    wish = RunWish(
        campaign, results, level, trials, window, seed, fresh, jobs, new, keys, attack, project, waiting
    )  # fmt: skip
    with console.last_words(), RunView(quiet=json) as view:
        done = desk(context).run(wish, view)
    _ended(done, json)


def result(
    context: typer.Context,
    run: RunId,
    out: Out = "",
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Wait until a run of a service has ended, and fetch what came of it: verdicts, report, bundle, and the exit code.

    For a run that was begun with --no-wait, from the page or elsewhere. Exit codes are those of `run`.
    """
    asked = service(context)
    from range.cli.remote import RemoteDesk

    with console.last_words(), RunView(quiet=json) as view:
        folder = results_folder(out or told(context).results)
        done = RemoteDesk(asked).fetch(asked.runs.get(run), folder, timeout, view)
    _ended(done, json)


def _ended(done: Ended, json: bool) -> None:
    """Show what came of a run, and end with its exit code."""
    if done.result is None or done.folder is None or done.bundle is None:
        _begun(done.run_id, json)
        return
    found, folder = done.result, done.folder
    if json:
        console.show_json({"run_id": found.run.run_id, "decision": found.decision, "reasons": found.decision_reasons,
                           "result": str(folder / "result.json"), "report": str(folder / "report.html"),
                           "bundle": str(done.bundle)})  # fmt: skip
    else:
        show(found, folder, done.bundle)
    tell_ci(found, folder, os.environ)
    raise typer.Exit(exits.DECIDED[found.decision])


def _begun(run_id: str, json: bool) -> None:
    """A run that nobody waits for."""
    if json:
        console.show_json({"run_id": run_id})
    else:
        console.out.print(
            f"run {run_id} is on its way; `jointrange result {run_id}` waits for it and fetches what came of it"
        )


def tell_ci(result: CampaignResult, folder: Path, environment: Mapping[str, str]) -> None:
    """In a job of GitHub Actions: annotations on standard error, and the report in the job's summary."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    for line in markings(result):
        sys.stderr.write(line + "\n")
    summary, report = environment.get("GITHUB_STEP_SUMMARY"), folder / "report.md"
    if summary and report.is_file():
        try:
            with open(summary, "a", encoding="utf-8") as file:
                file.write(report.read_text(encoding="utf-8") + "\n")
        except OSError as error:
            raise Exhausted(f"cannot write {summary}: {error.strerror}", hint="check the job's disk") from error


def show(result: CampaignResult, folder: Path, bundle: Path) -> None:
    """The verdict table, the gates, where the time went, where report and bundle are, what the exit code means."""
    table = Table(title=f"{result.run.title}: verdicts", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("technique", no_wrap=True)
    table.add_column("step", ratio=3)
    for arm, _tools in result.arms:
        table.add_column(arm, ratio=2)
    for row in rows(result):
        cells = [Text(f"{cell.symbol} {cell.text}", style=STYLES[cell.label]) for cell in row.cells]
        table.add_row(row.technique, row.title, *cells)
    console.out.print(table)
    for arm, tools in result.arms:
        console.out.print(Text(f"{arm}: {', '.join(tools) or 'no tool'}", style="dim"))
    passed = [gate for gate in result.gate_results if gate.outcome == "pass"]
    console.out.print(f"gates: {len(passed)} of {len(result.gate_results)} pass")
    for gate in result.gate_results:
        if gate not in passed:
            style = "bold red" if gate.outcome == "fail" else "magenta"
            console.out.print(Text.assemble((gate.outcome, style), f" {gate.arm} {gate.gate}: {gate.reason}"))
    for note in result.run.notes:
        console.out.print(Text(f"note: {note}", style="dim"))
    spent = breakdown([one.trial for one in (*result.judged, *result.reruns)], result.run.started, result.run.ended,
                      interrupted=result.run.resumed > 0)  # fmt: skip
    if spent is not None:
        console.out.print(Text(told_of(spent), style="dim"))
    code = exits.DECIDED[result.decision]
    console.out.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    console.out.print(f"bundle: {bundle}", soft_wrap=True)
    console.out.print(f"exit {code}: {exits.MEANING[code]}", style="bold")
