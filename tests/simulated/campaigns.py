"""Simulated campaigns whose truth is known, and how often what is said of them is true.

A suite is a sample of steps. Each step has its own chance of being noticed, most often near 0 or near 1 (a rule
matches or it does not): a beta distribution shaped like a U. Everything is drawn from fixed seeds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from range.judging import stats
from range.judging.comparing import compare
from range.judging.scorecard import Judged
from range.judging.verdict import Label, StepVerdict
from range.ledger import Isolation, Trial

Generator = np.random.Generator
Interval = tuple[float, float]
RESAMPLES = 999
HORIZON = 60.0
EVEN, MOSTLY, NEARLY = (0.3, 0.3), (0.6, 0.2), (1.8, 0.2)
"""Steps that are noticed half the time, three quarters, nine tenths on average; all shaped like a U."""
STEPS = tuple(f"step-{number}" for number in range(30))


@dataclass(frozen=True)
class Row:
    """One line of the table: what was simulated how often, the share that came out, and what it must be."""

    question: str
    method: str
    design: str
    simulations: int
    share: float
    least: float = 0.0
    most: float = 1.0

    @property
    def must(self) -> str:
        """What the share must be, in words; empty when it is there for information."""
        if (self.least, self.most) == (0.0, 1.0):
            return ""
        low, high = f"{100 * self.least:g}", f"{100 * self.most:g}"
        if self.most == 1.0:
            return f">= {low} %"
        return f"{low} to {high} %" if self.least else f"<= {high} %"

    @property
    def holds(self) -> bool:
        """Whether the share is what it must be."""
        return self.least <= self.share <= self.most


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table; the share in per cent."""
    lines = ["| what | method | simulated | times | per cent | must be |", "|---|---|---|---|---|---|"]
    for row in rows:
        shown = f"{100 * row.share:.1f}" if row.share >= 0.0005 or row.share == 0 else f"{100 * row.share:.4f}"
        times = f"{row.simulations:,}"
        lines.append(f"| {row.question} | {row.method} | {row.design} | {times} | {shown} | {row.must} |")
    return "\n".join(lines)


def planning() -> str:
    """What so many trials, hours or steps can show at best, as three Markdown tables."""
    runs = ["| noticed every time, in so many trials | proves a share of at least |", "|---|---|"]
    for times in (1, 3, 5, 10, 29, 59):
        low = stats.clopper_pearson(times, times, one_sided=True)[0]
        runs.append(f"| {times} | {low:.2f} |")
    quiet = ["| benign-only hours without a false alarm | prove fewer an hour than |", "|---|---|"]
    for hours in (0.25, 0.5, 1, 8, 24):
        quiet.append(f"| {hours:g} | {stats.rate_gate(0, hours)[1]:.2g} |")
    lost = ["| steps compared | trials of each arm |", "|---|---|"]
    for steps in (1, 5, 10, 20, 30, 40, 100):
        enough = (n for n in itertools.count(1) if stats.fisher((n, n), (0, n)) * steps <= 0.05)
        lost.append(f"| {steps} | {next(enough)} |")
    return "\n\n".join("\n".join(lines) for lines in (runs, quiet, lost))


def held(times: int, draw: Callable[[Generator, int], tuple[float, Interval]], seed: int = 1) -> float:
    """The share of simulations whose interval holds the truth. `draw` gives (truth, interval)."""
    chance = np.random.default_rng(seed)
    found = (draw(chance, number) for number in range(times))
    return sum(low - 1e-9 <= truth <= high + 1e-9 for truth, (low, high) in found) / times


def ends(estimate: object) -> Interval:
    return estimate.low, estimate.high  # type: ignore[attr-defined]


def noticed(chance: Generator, shape: tuple[float, float], steps: int, trials: int) -> list[float]:
    """The share of trials in which each step was noticed."""
    return (chance.binomial(trials, chance.beta(*shape, steps)) / trials).tolist()  # type: ignore[no-any-return]


def single_rows() -> Iterator[Row]:
    """One share, one rate: the truth is another one in each simulation, from 5 % to 95 % or 0.5 to 5 an hour.

    Counts are whole numbers, so an exact interval covers more than 95 % for most single truths. With n large, and
    over many truths, what is left of that is small.
    """

    def one(of: int, method: Callable[[int, int], Interval]) -> Callable[[Generator, int], tuple[float, Interval]]:
        def draw(chance: Generator, _number: int) -> tuple[float, Interval]:
            truth = float(chance.uniform(0.05, 0.95))
            return truth, method(int(chance.binomial(of, truth)), of)

        return draw

    def per_hour(hours: float, method: Callable[[int, float], Interval]) -> Callable[..., tuple[float, Interval]]:
        def draw(chance: Generator, _number: int) -> tuple[float, Interval]:
            truth = float(chance.uniform(0.5, 5))
            return truth, method(int(chance.poisson(truth * hours)), hours)

        return draw

    def lower(count: int, of: int) -> Interval:
        return stats.clopper_pearson(count, of, one_sided=True)[0], 1.0

    for of in (20, 100):
        yield Row("share", "Wilson", f"n = {of}", 4000, held(4000, one(of, stats.wilson)), 0.93, 0.97)
    exact = held(4000, one(400, stats.clopper_pearson))
    yield Row("share", "Clopper-Pearson", "n = 400", 4000, exact, 0.93, 0.97)
    yield Row("share, gate", "Clopper-Pearson, lower", "n = 100", 4000, held(4000, one(100, lower)), 0.93, 0.97)
    two = held(4000, per_hour(24, lambda count, hours: ends(stats.rate(count, hours))))
    yield Row("rate", "exact Poisson", "24 h", 4000, two, 0.93, 0.97)
    short = held(4000, per_hour(0.5, lambda count, hours: ends(stats.rate(count, hours))))
    yield Row("rate", "exact Poisson", "half an hour", 4000, short, 0.95)
    high = held(4000, per_hour(24, lambda count, hours: (0.0, stats.rate_gate(count, hours)[1])))
    yield Row("rate, gate", "exact Poisson, upper", "24 h", 4000, high, 0.93, 0.97)


def suite_rows() -> Iterator[Row]:
    """The mean over steps, for shares."""

    def mean(shape: tuple[float, float], steps: int, trials: int) -> float:
        def draw(chance: Generator, number: int) -> tuple[float, Interval]:
            means = noticed(chance, shape, steps, trials)
            return shape[0] / sum(shape), ends(stats.suite(means, seed=number, resamples=RESAMPLES))

        return held(1500, draw, seed=steps * trials)

    def once(chance: Generator, number: int) -> tuple[float, Interval]:
        truth = float(chance.uniform(0.3, 0.9))
        means = noticed(chance, (0.6 * truth, 0.6 * (1 - truth)), 30, 1)
        return truth, ends(stats.suite(means, seed=number))

    def pooled(chance: Generator, _number: int) -> tuple[float, Interval]:
        means = noticed(chance, EVEN, 30, 10)
        return 0.5, stats.wilson(sum(means) * 10, 300)

    def gate(trials: int) -> float:
        def draw(chance: Generator, _number: int) -> tuple[float, Interval]:
            return 0.75, (stats.suite_gate(noticed(chance, MOSTLY, 30, trials))[0], 1.0)

        return held(4000, draw)

    for shape, steps, trials in (
        (EVEN, 15, 5), (EVEN, 30, 5), (EVEN, 60, 10), (MOSTLY, 20, 5), (MOSTLY, 40, 5), (EVEN, 6, 5), (MOSTLY, 12, 5),
    ):  # fmt: skip
        held_by = mean(shape, steps, trials)
        yield Row("suite", method(steps), design(shape, steps, trials), 1500, held_by, 0.93, 0.97)
    for shape, steps, trials in ((NEARLY, 20, 5), (NEARLY, 40, 5), (EVEN, 12, 5)):
        yield Row("suite", method(steps), design(shape, steps, trials), 1500, mean(shape, steps, trials))
    yield Row("suite", "Wilson, n = steps", "30 steps x 1, 30 to 90% noticed", 4000, held(4000, once), 0.93, 0.97)
    yield Row("suite", "Wilson, pooled (never used)", design(EVEN, 30, 10), 4000, held(4000, pooled))
    for trials, most in ((1, 0.97), (5, 1.0)):
        least = 0.93 if trials == 1 else 0.95
        yield Row("suite, gate", "Clopper-Pearson, lower", design(MOSTLY, 30, trials), 4000, gate(trials), least, most)


def method(steps: int) -> str:
    return "bootstrap" if steps >= stats.FEW else "Wilson, effective n"


def design(shape: tuple[float, float], steps: int, trials: int) -> str:
    share = 100 * shape[0] / sum(shape)
    return f"{steps} steps x {trials}, {share:.0f}% noticed"


def difference_rows() -> Iterator[Row]:
    """One step in five is noticed less by 70 % after than before; the others as before."""

    def draw(steps: int, trials: int, worse: float) -> Callable[[Generator, int], tuple[float, Interval]]:
        def one(chance: Generator, number: int) -> tuple[float, Interval]:
            early = chance.beta(*EVEN, steps)
            late = np.where(chance.random(steps) < worse, 0.3 * early, early)
            before, after = (chance.binomial(trials, truth) / trials for truth in (early, late))
            return -0.35 * worse, ends(stats.difference(before.tolist(), after.tolist(), seed=number))

        return one

    for steps, trials, worse in ((30, 1, 0.2), (30, 5, 0.2), (60, 10, 0.2), (30, 5, 0.0), (30, 5, 0.5)):
        what = f"{steps} steps x {trials}, {worse:.0%} worse"
        yield Row("difference", "Wilson, effective n", what, 2000, held(2000, draw(steps, trials, worse)), 0.93, 0.97)
    few = held(2000, draw(12, 5, 0.2))
    yield Row("difference", "Wilson, effective n", "12 steps x 5, 20% worse", 2000, few)


def time_rows() -> Iterator[Row]:
    """Each step has its own chance of being noticed at all and its own mean time, 2, 10 or 40 seconds."""
    paces = np.array([2.0, 10.0, 40.0])
    capped = float(np.mean(paces * (1 - np.exp(-HORIZON / paces))))
    truth = 0.75 * capped + 0.25 * HORIZON
    soon = 0.75 * float(np.mean(1 - np.exp(-30 / paces)))

    def draw(chance: Generator, steps: int, trials: int) -> list[tuple[str, float | None]]:
        pace, odds = chance.choice(paces, steps), chance.beta(*MOSTLY, steps)
        times = chance.exponential(pace, (trials, steps))
        times[chance.random((trials, steps)) >= odds] = np.inf
        return [(f"s{i}", float(t) if t < HORIZON else None) for row in times for i, t in enumerate(row)]

    def mean(steps: int, trials: int) -> float:
        def one(chance: Generator, number: int) -> tuple[float, Interval]:
            seen = draw(chance, steps, trials)
            found = stats.time_to_detect(seen, HORIZON, seed=number, resamples=RESAMPLES)
            return truth, ends(found.restricted_mean)

        return held(1500, one)

    def within(chance: Generator, number: int) -> tuple[float, Interval]:
        found = stats.time_to_detect(draw(chance, 30, 5), HORIZON, seed=number, resamples=1)
        return soon, ends(dict(found.within)[30.0])

    for steps, trials in ((30, 1), (30, 5), (10, 5)):
        yield Row(
            "restricted mean time", method(steps), f"{steps} steps x {trials}", 1500, mean(steps, trials), 0.93, 0.97
        )
    yield Row("noticed within 30 s", "Wilson, n = steps", "30 steps x 5", 1000, held(1000, within), 0.95)


def found_rows() -> Iterator[Row]:
    """Two arms over 30 steps: how often the sign-flip test finds a difference, where there is none and where there is.

    `lost`: so many steps, always noticed before, are never noticed after.
    """

    def found(trials: int, lost: int) -> float:
        chance = np.random.default_rng(lost)
        hits = 0
        for number in range(1000):
            odds = chance.beta(*MOSTLY, 30)
            before, after = (chance.binomial(trials, odds) / trials for _ in range(2))
            before[:lost], after[:lost] = 1.0, 0.0
            hits += stats.sign_flip((after - before).tolist(), seed=number) <= 0.05
        return hits / 1000

    for trials in (1, 5):
        row = found(trials, 0)
        yield Row("difference found where none is", "sign-flip", f"30 steps x {trials}", 1000, row, 0.0, 0.05)
    for lost in (4, 6):
        yield Row("difference found", "sign-flip", f"{lost} of 30 steps lost, x 5", 1000, found(5, lost))


def flag_rows() -> Iterator[Row]:
    """False flags and found losses, per step, by `compare` itself and by the arithmetic of reruns."""
    for odds in (0.95, 0.9):
        share = flagged(120, odds, odds, 1, 4)
        what = f"level pr: 1 and 4 reruns, {odds:.0%} noticed"
        yield Row("false regression", "reruns, by `compare`", what, 120 * 30, share, 0.0, 0.01)
    for trials, odds in ((5, 0.9), (10, 0.9), (10, 0.5)):
        share = flagged(120, odds, odds, trials, 0)
        what = f"{trials} trials each, {odds:.0%} noticed"
        yield Row("false regression", "Fisher + Holm, by `compare`", what, 120 * 30, share, 0.0, 0.01)
    both = flagged(60, 0.9, 0.9, 5, 4)
    yield Row(
        "false regression", "both, by `compare`", "5 trials each and 4 reruns, 90% noticed", 60 * 30, both, 0, 0.01
    )
    for odds in (0.95, 0.9):
        yield Row("false regression", "reruns", f"1 and 4 reruns, {odds:.0%} noticed", 10**6, rerun(odds), 0.0, 0.01)
    for odds in (0.05, 0.2):
        what = f"1 and 4 reruns, always before, {odds:.0%} after"
        yield Row("regression found", "reruns", what, 10**6, rerun(odds))
    for trials in (5, 10):
        what = f"{trials} trials each, always before, 5% after, 30 steps"
        yield Row("regression found", "Fisher + Holm, by `compare`", what, 20 * 30, flagged(20, 1.0, 0.05, trials, 0))
    both = flagged(20, 1.0, 0.05, 5, 4)
    yield Row("regression found", "both, by `compare`", "the same, 5 trials each and 4 reruns", 20 * 30, both)


def rerun(odds: float) -> float:
    """The share of steps that are missed once and then called regressed by four reruns."""
    chance = np.random.default_rng(4)
    bad = np.array([stats.confirm(count, 4) == "regressed" for count in range(5)])
    missed = chance.random(10**6) >= odds
    return float(np.mean(missed & bad[chance.binomial(4, odds, 10**6)]))


def flagged(campaigns: int, before: float, after: float, trials: int, reruns: int) -> float:
    """The share of steps that `compare` calls regressed. Each is noticed with these odds before and after."""
    chance = np.random.default_rng(trials)
    hits = 0
    for number in range(campaigns):
        early, late = (judged(chance, odds, trials) for odds in (before, after))
        again = judged(chance, after, reruns)
        found = compare(early, late, ("before", "after"), seed=number, reruns=again, reruns_wanted=reruns)
        hits += sum(change.verdict == "regressed" for change in found.steps)
    return hits / campaigns / len(STEPS)


def judged(chance: Generator, odds: float, trials: int) -> list[Judged]:
    """Trials in which each of 30 steps is detected with these odds, else missed."""

    def verdict(step: str) -> StepVerdict:
        label: Label = "detected" if chance.random() < odds else "missed"
        return StepVerdict(step, step, None, label, "", "achieved")

    isolation = Isolation(0, (), (), ())
    return [
        Judged(Trial(f"t-{number}", "x", number, (), 0, 0, isolation), None, (), tuple(map(verdict, STEPS)))
        for number in range(trials)
    ]
