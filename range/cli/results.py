"""Commands on results: report, verify, rescore, compare.

Knows: what is shown of sealed results, and which exit code says what. Must never: judge, or read what does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from range import __version__, exits
from range.bundle import names
from range.bundle.folder import write
from range.bundle.keys import PublicKey, load_public
from range.bundle.opening import judged_again, sealed_result
from range.bundle.verify import Verification, short
from range.bundle.verify import verify as verify_source
from range.cli import console
from range.cli.options import Json
from range.cli.show import count
from range.errors import Conflict, Refused
from range.judging.scorecard import Comparison
from range.report.compared import between, outcome
from range.report.difference import Change, differences
from range.report.outputs import outputs

Source = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, or the folder of a finished run.")]
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: jointrange report results/demo-1a2b3c.bundle --out report")(report)
    app.command(epilog="Example: jointrange verify results/demo-1a2b3c.bundle --key alice.pub --key bob.pub")(verify)
    app.command(epilog="Example: jointrange rescore results/demo-1a2b3c.bundle")(rescore)
    app.command(epilog="Example: jointrange compare results/demo-1a2b3c results/demo-4d5e6f.bundle")(compare)


def report(
    bundle: Source,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; `<name>-report` when absent.")] = None,
) -> None:
    """Write the report and every other output again, from a sealed run alone. It is verified first."""
    result = sealed_result(bundle)
    folder = out or Path(f"{bundle.name.removesuffix(names.SUFFIX)}-report")
    if (folder / names.MANIFEST).exists():
        raise Conflict(f"{folder} is a sealed run; other files in it would break it", hint="choose another --out")
    for name, text in outputs(result).items():
        write(folder / name, text.encode("utf-8"))
        console.out.print(str(folder / name), soft_wrap=True)


def verify(
    bundle: Source,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", "-k", help="The public key of somebody who must have signed; repeatable."),
    ] = None,
    require: Annotated[
        int | None, typer.Option(min=1, help="How many of the named keys must have signed; all when absent.")
    ] = None,
    json: Json = False,
) -> None:
    """Check every byte, digest and signature. One wrong byte fails, and the file it belongs to is named.

    Exit codes: 0 everything holds · 1 something does not · 4 bad input.
    """
    named = [load_public(path) for path in key or ()]
    _sensible(named, require)
    found = verify_source(bundle, named, require)
    if json:
        console.show_json({"holds": found.holds, **console.plain(found)})
    else:
        _show(found)
    raise typer.Exit(exits.PASS if found.holds else exits.GATE_FAILED)


def rescore(bundle: Source, json: Json = False) -> None:
    """Judge the sealed evidence again by this version's rules; say what differs, line by line.

    Exit codes: 0 an equal result · 1 another one · 4 bad input, or a bundle that does not hold.
    """
    then, now = judged_again(bundle)
    changes = differences(then, now)
    if json:
        console.show_json({"equal": not changes, "then": then.run.version, "now": __version__,
                           "decision": now.decision, "changes": changes})  # fmt: skip
    elif changes:
        _show_changes(changes)
        console.out.print(f"{count(len(changes), 'difference')}: sealed by {then.run.version}, this is {__version__}")
    else:
        judged = sum(len(one.verdicts) for one in now.judged)
        gates = count(len(now.gate_results), "gate")
        console.out.print(f"equal: {count(judged, 'verdict')}, {gates}, decision {now.decision}; by {__version__}")
    raise typer.Exit(exits.GATE_FAILED if changes else exits.PASS)


def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A bundle, or the folder of a finished run.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The one that must not be worse.")],
    arm: Annotated[str, typer.Option(help="The arm to compare; the only one with tools, or `candidate`.")] = "",
    json: Json = False,
) -> None:
    """Say which steps are noticed less in AFTER than in BEFORE, and how sure that is.

    Exit codes: 0 no regression · 1 a regression · 2 not enough evidence to tell · 4 bad input.
    """
    found = between(sealed_result(before), sealed_result(after), arm)
    decision, why = outcome(found)
    if json:
        console.show_json({"outcome": decision, "why": why, **console.plain(found)})
    else:
        _show_comparison(found)
        console.out.print(f"exit {exits.DECIDED[decision]}: {why}", style="bold")
    raise typer.Exit(exits.DECIDED[decision])


def _sensible(named: Sequence[PublicKey], require: int | None) -> None:
    """Raises Refused when more signers are asked for than there are keys to check them by."""
    different = len({key.id for key in named})
    if require is not None and require > different:
        raise Refused(
            f"--require {require} with {count(different, 'key')}: whose signature counts?",
            hint="name the public key of each signer with --key; who they are cannot be learnt from the bundle",
        )


def _show(found: Verification) -> None:
    for flaw in found.flaws[:SHOWN]:
        console.out.print(Text.assemble((flaw.entry, "bold red"), f": {flaw.what}"))
    if len(found.flaws) > SHOWN:
        console.out.print(f"and {len(found.flaws) - SHOWN} more")
    if found.holds:
        console.out.print(f"{found.source}: {count(found.files, 'file')}, {found.size} bytes, all as they were sealed")
        console.out.print(f"manifest sha256 {found.manifest}; decision {found.decision}", soft_wrap=True)
    else:
        console.out.print(f"{found.source} does not hold: {count(len(found.flaws), 'flaw')}", style="bold red")
        hint = "do not rely on it; ask those who sealed it for an undamaged copy"
        if found.whole:
            hint = "all files are as they were sealed; have it signed with `jointrange sign`, or ask for a signed copy"
        console.out.print(Text(f"  → {hint}", style="cyan"))
    for one in found.signatures:
        whose = f"by {one.name}" if one.name else "by a key that nobody named"
        console.out.print(f"signature {short(one.keyid)} {'holds' if one.holds else 'DOES NOT HOLD'}, {whose}")
    if not found.signatures:
        console.out.print("nobody has signed it: whoever changed it could have sealed it again")
    elif not found.named:
        console.out.print(
            "no --key was given: each signature fits its key, but whose keys these are, nobody has said",
            style="yellow",
        )


def _show_changes(changes: Sequence[Change]) -> None:
    rows = [(one.what, one.then, one.now, one.why) for one in changes[:SHOWN]]
    console.show_table("differences", ("WHAT", "THEN", "NOW", "WHY"), rows)
    if len(changes) > SHOWN:
        console.out.print(f"and {len(changes) - SHOWN} more (--json shows all)")


def _show_comparison(found: Comparison) -> None:
    rows = [
        (one.step, _of(one.before), _of(one.after), one.verdict, _chance(one.p), _chance(one.adjusted))
        for one in found.steps
    ]
    columns = ("STEP", found.before, found.after, "VERDICT", "p", "p (HOLM)")
    console.show_table("step that both have", columns, rows)
    if found.difference is not None and found.p is not None:
        low, high = found.difference.low, found.difference.high
        console.out.print(
            f"noticed, mean over {count(found.difference.n, 'step')}: {found.difference.value:+.2f} "
            f"(95 % {low:+.2f} to {high:+.2f}), p {_chance(found.p)}"
        )
    if found.false_alarms is not None:
        ratio, p = found.false_alarms
        console.out.print(f"false alarms: {ratio:.2f} times as many an hour, p {_chance(p)}")
    for note in found.notes:
        console.out.print(f"note: {note}")


def _of(counts: tuple[int, int]) -> str:
    return f"{counts[0]} of {counts[1]}"


def _chance(p: float) -> str:
    """A probability with three digits; a tiny one is not told as none."""
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"
