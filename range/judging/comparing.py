"""Two arms compared, or one arm of two campaigns: step by step, and over all steps both have.

Knows: what is paired with what, which test decides about a step, and what makes two sides hard to compare.
Must never: do I/O, count a step that only one side has, or call a loss a regression that chance explains.

    reruns of a step that fell short     regressed: at most 1 of 4 noticed it · flaky: 2 or 3 · same: all
    without reruns                       regressed, improved: Fisher's exact test after Holm's correction <= alpha
    a loss, and too few trials for that  unknown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from range.judging import stats
from range.judging.scorecard import Comparison, Judged, Rate, StepChange
from range.judging.verdict import CONCLUSIVE, NOTICED
from range.ledger import Action

Change = Literal["regressed", "improved", "same", "flaky", "unknown"]
Counts = tuple[int, int]
"""(noticed, conclusive) of one step."""
NOTHING: Mapping[str, str] = {}


def compare(
    before: Sequence[Judged],
    after: Sequence[Judged],
    names: tuple[str, str],
    *,
    alpha: float = 0.05,
    seed: int,
    reruns: Sequence[Judged] = (),
    reruns_wanted: int = 0,
    rates: tuple[Rate | None, Rate | None] = (None, None),
    settings: tuple[Mapping[str, str], Mapping[str, str]] = (NOTHING, NOTHING),
) -> Comparison:
    """`after` against `before`: the trials of one arm each, called `names`.

    `alpha`: family-wise error over all steps. `reruns`: trials of single steps; those of `after`'s arm confirm a loss,
    `reruns_wanted` of each. `rates`: false alarms in benign-only time of each side. `settings`: what else was chosen
    (scenario, level), by name; what differs becomes a note.
    """
    first, second = _counts(before), _counts(after)
    both = [step for step in first if step in second]
    pairs = {step: (first[step], second[step]) for step in both}
    known = [step for step, (one, other) in pairs.items() if one[1] and other[1]]
    arms = {one.trial.arm for one in after}
    again = _counts([one for one in reruns if one.trial.arm in arms])
    losses = _tested(pairs, known)
    gains = _tested({step: (other, one) for step, (one, other) in pairs.items()}, known)
    titles = {verdict.step: verdict.title for one in before for verdict in one.verdicts}
    changes = []
    for step in both:
        up = step in known and _mean(pairs[step][1]) > _mean(pairs[step][0])
        p, adjusted = (gains if up else losses).get(step, (1.0, 1.0))
        verdict = _verdict(pairs[step], adjusted <= alpha, again.get(step, (0, 0)), reruns_wanted)
        if verdict is None:
            verdict = "same" if _decidable(pairs[step], len(known), alpha) else "unknown"
        changes.append(StepChange(step, titles[step], *pairs[step], p, adjusted, verdict))
    means = [(_mean(pairs[step][0]), _mean(pairs[step][1])) for step in known]
    early, late = [one for one, _ in means], [other for _, other in means]
    return Comparison(
        before=names[0],
        after=names[1],
        difference=stats.difference(early, late, seed=seed) if means else None,
        p=stats.sign_flip([other - one for one, other in means], seed=seed) if means else None,
        steps=tuple(changes),
        false_alarms=_alarms(*rates),
        notes=(*_missing(first, second, names), *_notes(before, after, settings)),
    )


def _counts(judged: Sequence[Judged]) -> dict[str, Counts]:
    """Each step's (noticed, conclusive) over these trials, in the order they come."""
    counts: dict[str, Counts] = {}
    for one in judged:
        for verdict in one.verdicts:
            noticed, conclusive = counts.get(verdict.step, (0, 0))
            counts[verdict.step] = (noticed + (verdict.label in NOTICED), conclusive + (verdict.label in CONCLUSIVE))
    return counts


def _mean(counts: Counts) -> float:
    return counts[0] / counts[1]


def _tested(pairs: Mapping[str, tuple[Counts, Counts]], known: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Step -> (p of a loss, p after Holm's correction over these steps)."""
    ps = [stats.fisher(*pairs[step]) for step in known]
    return dict(zip(known, zip(ps, stats.holm(ps), strict=True), strict=True))


def _decidable(pair: tuple[Counts, Counts], steps: int, alpha: float) -> bool:
    """Whether even the clearest loss with so many trials could be told from chance, among so many steps."""
    (_, trials), (_, later) = pair
    return stats.fisher((trials, trials), (0, later)) * steps <= alpha


def _verdict(pair: tuple[Counts, Counts], significant: bool, again: Counts, wanted: int) -> Change | None:
    """What became of one step; None when it was noticed less and neither Fisher's test nor reruns say why.

    Reruns confirm a loss only of a step that was noticed every time before: one that was noticed now and then is
    missed in most reruns by chance too often.
    """
    before, after = pair
    if not before[1] or not after[1]:
        return "unknown"
    if _mean(after) >= _mean(before):
        return "improved" if significant and after != before else "same"
    if significant:
        return "regressed"
    if before[0] == before[1] and again[1]:
        return _confirmed(again, wanted)
    return None


def _confirmed(again: Counts, wanted: int) -> Change:
    """What the reruns say, if those that are missing or inconclusive could not say otherwise."""
    noticed, conclusive = again
    missing = max(0, wanted - conclusive)
    worst = stats.confirm(noticed, conclusive + missing)
    best = stats.confirm(noticed + missing, conclusive + missing)
    if worst != best:
        return "unknown"
    return "same" if worst == "fine" else worst


def _alarms(before: Rate | None, after: Rate | None) -> tuple[float, float] | None:
    if before is None or after is None:
        return None
    return stats.rate_ratio(before.count, before.hours, after.count, after.hours)


def _missing(first: Mapping[str, Counts], second: Mapping[str, Counts], names: tuple[str, str]) -> tuple[str, ...]:
    sides = ((names[0], first, second), (names[1], second, first))
    return tuple(
        f"only {name} has {', '.join(f'`{step}`' for step in alone)}: not counted"
        for name, here, there in sides
        if (alone := [step for step in here if step not in there])
    )


def _notes(
    before: Sequence[Judged], after: Sequence[Judged], settings: tuple[Mapping[str, str], Mapping[str, str]]
) -> tuple[str, ...]:
    """What differs besides the tools, one sentence each."""
    first, second = settings
    notes = [
        f"different {name}: `{first.get(name, 'none')}` before, `{second.get(name, 'none')}` after"
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    ]
    shapes, others = _shapes(before), _shapes(after)
    changed = [f"`{step}`" for step in shapes if step in others and shapes[step] != others[step]]
    if changed:
        notes.append(f"these steps were not the same on both sides: {', '.join(changed)}")
    images, later = _images(before), _images(after)
    tools = _tool_nodes((*before, *after))
    shared = sorted(node for node in images if node in later and node not in tools)
    rebuilt = [f"`{node}`" for node in shared if images[node] != later[node]]
    if rebuilt:
        notes.append(f"these nodes, without a tool, had different images: {', '.join(rebuilt)}")
    seeds, drawn = _seeds(before), _seeds(after)
    if any(seeds[number] != drawn[number] for number in seeds if number in drawn):
        notes.append("different seeds: benign activity and the order of trials were not the same")
    return tuple(notes)


def _shapes(judged: Sequence[Judged]) -> dict[str, frozenset[tuple[object, ...]]]:
    """Step -> every way in which it was carried out."""
    shapes: dict[str, frozenset[tuple[object, ...]]] = {}
    for one in judged:
        for step in one.trial.steps:
            shapes[step.id] = shapes.get(step.id, frozenset()) | {_shape(step)}
    return shapes


def _shape(step: Action) -> tuple[object, ...]:
    return (step.command, step.source, step.target, step.technique, step.window, step.requires, step.tier)


def _images(judged: Sequence[Judged]) -> dict[str, frozenset[str]]:
    """Node -> the digests of the images it was made from."""
    images: dict[str, frozenset[str]] = {}
    for one in judged:
        for node, digest in one.trial.images:
            images[node] = images.get(node, frozenset()) | {digest}
    return images


def _tool_nodes(judged: Sequence[Judged]) -> frozenset[str]:
    """Nodes that a tool was in, by its health and by what it said: their images differ because the tools do."""
    nodes: set[str] = set()
    for one in judged:
        nodes.update(health.node for health in one.trial.health)
        nodes.update(alert.node for alert in one.trial.alerts)
        nodes.update(line.node for line in one.trial.malformed)
    return frozenset(nodes)


def _seeds(judged: Sequence[Judged]) -> dict[int, int]:
    return {one.trial.number: one.trial.seed for one in judged}
