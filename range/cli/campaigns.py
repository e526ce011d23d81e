"""Commands on campaigns: run.

Knows: what is shown while a campaign runs and after, and where its results go.
Must never: judge, or decide the exit code by anything but the campaign's decision.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from range import catalogue, wiring
from range.cli import console, exits
from range.cli.live import RunView
from range.cli.ranges import Json, results_folder
from range.errors import Exhausted
from range.flows.campaigns import CampaignOrder, run_campaign, run_id_of
from range.report.data import to_json
from range.report.html import page
from range.report.table import rows
from range.result import CampaignResult
from range.settings import from_environment

STYLES = {
    "effective": "yellow", "not_effective": "dim", "blocked": "green", "detected": "cyan", "missed": "bold red",
    "not_applicable": "dim", "inconclusive": "magenta",
}  # fmt: skip
EXIT = {"pass": exits.PASS, "fail": exits.GATE_FAILED, "insufficient": exits.INSUFFICIENT}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: jointrange run playbooks/campaigns/demo.yaml --out results")(run)


def run(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="A bundled campaign's name, or a path.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for results; JOINTRANGE_RESULTS when absent.")] = "",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Trials at once; 0: as the settings say.")] = 0,
    json: Json = False,
) -> None:
    """Run a campaign: every arm's trials, each in a fresh range, then the verdicts, a report, and an exit code.

    Exit codes: 0 every gate passed · 1 a gate failed · 2 invalid or not enough evidence · 3 infrastructure ·
    4 bad input · 130 interrupted. The ranges are gone in every case.
    """
    settings = from_environment()
    loaded = catalogue.campaign(campaign)
    run_id = run_id_of(loaded.campaign)
    ports = wiring.ports(settings)
    folder = results_folder(os.path.join(out or settings.results, run_id))
    order = CampaignOrder(loaded, settings.instance, wiring.owner(), wiring.workers(settings), jobs or settings.jobs)
    with RunView(quiet=json) as view:
        result = run_campaign(order, run_id, folder / "evidence", ports, view)
    write(result, folder)
    if json:
        console.show_json({"run_id": run_id, "decision": result.decision, "reasons": result.decision_reasons,
                           "result": str(folder / "result.json"), "report": str(folder / "report.html")})  # fmt: skip
    else:
        show(result, folder)
    raise typer.Exit(EXIT[result.decision])


def write(result: CampaignResult, folder: Path) -> None:
    """result.json and report.html. Raises Exhausted when the disk is full."""
    try:
        (folder / "result.json").write_text(to_json(result), encoding="utf-8")
        (folder / "report.html").write_text(page(result), encoding="utf-8")
    except OSError as error:
        raise Exhausted(f"cannot write {folder}: {error.strerror}", hint="free disk space, or set --out") from error


def show(result: CampaignResult, folder: Path) -> None:
    """The verdict table, the gates, where the report is, and what the exit code means."""
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
    code = EXIT[result.decision]
    console.out.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    console.out.print(f"exit {code}: {exits.MEANING[code]}", style="bold")
