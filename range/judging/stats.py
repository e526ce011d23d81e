"""Statistics: what can be said from a few trials, and how surely. Every interval is of 95 %.

Knows: the method for each question, and where it comes from (docs/statistics.md has the measured coverage).
Must never: treat repeats of one step as independent, call the mean of detected steps a time to detect, do I/O, or
use chance without a seed: the same numbers and seed give the same answer on every machine, in any order.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from range.judging.scorecard import CurvePoint, Estimate, Rate, Share, TimeToDetect

if TYPE_CHECKING:
    from numpy import int64, uint64
    from numpy.typing import NDArray

# numpy and scipy are imported inside the functions that use them: every start of the command line would wait for them.

Confirmed = Literal["regressed", "flaky", "fine"]
Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: the two-sided 95 % interval."""
RESAMPLES = 9_999
FEW = 15
"""Fewer steps than this are too few to resample."""
EXACT_FLIPS = 14
"""Up to this many differences every combination of signs is looked at; beyond it, RESAMPLES of them."""
AT_A_TIME = 2**17
"""So many random words are held at once."""
MOMENTS = (10.0, 30.0, 60.0)
"""Seconds at which the share of noticed steps is told."""
EQUAL = "Clopper-Pearson over steps"
PLAIN = "Wilson over steps"
SCORED = "Wilson over effective steps"
RESAMPLED = "BCa bootstrap over steps"
_SCALE = 2**46
"""Values are summed as whole numbers of this part of 1: such sums do not depend on their order."""


def share(count: int, of: int) -> Share | None:
    """`count` of `of` independent things with the Wilson interval, or None when `of` is 0.

    Raises ValueError unless 0 <= count <= of.
    """
    low, high = wilson(count, of)
    return Share(count, of, count / of, low, high) if of else None


def wilson(count: float, of: int) -> tuple[float, float]:
    """The two-sided 95 % Wilson score interval of a share; (0, 1) when `of` is 0. For show: right on average.

    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", J. Am. Stat.
    Assoc. 22: centre (p + z^2/2n) / (1 + z^2/n), half width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
    Raises ValueError unless 0 <= count <= of.
    """
    _is_share(count, of)
    return _wilson(min(1.0, count / of), of) if of else (0.0, 1.0)


def clopper_pearson(count: float, of: int, *, one_sided: bool = False, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share: it never covers less than `confidence`. (0, 1) when `of` is 0.

    `one_sided`: each bound holds with `confidence` by itself, which is what a gate asks for. `count` may be a
    sum of per-step means. Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the
    case of the binomial", Biometrika 26: quantiles of the beta distribution.
    Raises ValueError unless 0 <= count <= of and 0 < confidence < 1.
    """
    from scipy.special import betaincinv

    _is_share(count, of)
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is no confidence: it must lie between 0 and 1")
    tail = (1 - confidence) if one_sided else (1 - confidence) / 2
    count = min(float(count), float(of))
    low = float(betaincinv(count, of - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, of - count, 1 - tail)) if count < of else 1.0
    return low, high


def suite(means: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """The mean over steps of per-step means in 0..1, with an interval for steps like these.

    Steps are what is resampled: repeats of one step tell little about another. Below FEW steps a bootstrap is too
    narrow, and Wilson's interval with an effective number of steps takes its place. When every mean is 0 or 1, as with
    one trial, it is a plain share of steps: Wilson's interval. When all means are equal, or there is one step, neither
    says anything; the interval is then Clopper and Pearson's with steps as its number.
    Raises ValueError when there is no step, or a mean is outside 0..1.
    """
    _is_within(means, 0.0, 1.0)
    if _all_equal(means):
        value = means[0]
        low, high = clopper_pearson(value * len(means), len(means))
        return Estimate(value, min(low, value), max(high, value), len(means), EQUAL)
    if set(means) == {0.0, 1.0}:
        count = round(math.fsum(means))
        return Estimate(count / len(means), *wilson(count, len(means)), len(means), PLAIN)
    return _mean_of(means, 0.0, 1.0, seed, resamples)


def suite_gate(means: Sequence[float]) -> tuple[float, float]:
    """One-sided 95 % bounds of the mean over steps, for gates: Clopper and Pearson's with steps as its number.

    A mean of a step varies less than one trial of it, so the bounds are safe for any number of repeats. (0, 1) when
    there is no step. Raises ValueError when a mean is outside 0..1.
    """
    if not means:
        return 0.0, 1.0
    _is_within(means, 0.0, 1.0)
    return clopper_pearson(math.fsum(means), len(means), one_sided=True)


def difference(before: Sequence[float], after: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """The mean over steps of (after - before), each a per-step mean in 0..1, position by position the same step.

    Wilson's interval with an effective number of steps, on the scale -1..1: most steps do not change at all, and a
    bootstrap of such differences is too narrow even with 30 steps. When every step changed equally much, the interval
    is what Clopper and Pearson's upper bound of the share of steps that would have changed otherwise allows.
    Raises ValueError when there is no step, the lengths differ, or a mean is outside 0..1.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} steps before and {len(after)} after are no pairs")
    _is_within((*before, *after), 0.0, 1.0)
    changes = [late - early for early, late in zip(before, after, strict=True)]
    return _mean_of(changes, -1.0, 1.0, seed, resamples)


def sign_flip(differences: Sequence[float], *, seed: int) -> float:
    """Two-sided p that the differences are as likely up as down: a permutation test over steps.

    Exact for up to EXACT_FLIPS differences that are not zero; else over RESAMPLES random flips, the observed one
    among them. Fisher (1935), "The design of experiments", section 21; Phipson and Smyth (2010), "Permutation
    p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9. 1 when nothing differs.
    """
    import numpy as np

    largest = max((abs(value) for value in differences), default=0.0)
    if largest == 0:
        return 1.0
    whole = [size for value in differences if (size := round(value / largest * _SCALE))]
    number = len(whole)
    observed = abs(sum(whole)) - number  # each was rounded by half a part at most
    sizes = np.asarray(sorted(abs(size) for size in whole), dtype=np.int64)
    if number <= EXACT_FLIPS:
        flips = np.arange(2**number, dtype=np.uint64)[:, None] >> np.arange(number, dtype=np.uint64) & np.uint64(1)
        return float(np.mean(_flipped(sizes, flips) >= observed))
    blocks = (_flipped(sizes, raw >> np.uint64(63)) for raw in _raw(seed, RESAMPLES, number))
    return (1 + sum(int(np.sum(found >= observed)) for found in blocks)) / (1 + RESAMPLES)


def fisher(before: tuple[int, int], after: tuple[int, int]) -> float:
    """One-sided p that a step is noticed no less than before: Fisher's exact test of two (noticed, trials).

    Fisher (1935), "The logic of inductive inference", J. R. Stat. Soc. 98. 1 when either side has no trial.
    Raises ValueError unless 0 <= noticed <= trials.
    """
    from scipy.stats import fisher_exact

    for noticed, trials in (before, after):
        _is_share(noticed, trials)
    if not before[1] or not after[1]:
        return 1.0
    table = [[noticed, trials - noticed] for noticed, trials in (before, after)]
    return min(1.0, float(fisher_exact(table, alternative="greater").pvalue))


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """The p values, in their order, adjusted for being so many: each <= alpha is a finding at family-wise alpha.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6.
    """
    adjusted = [1.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: (ps[i], i))):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def rate(count: int, hours: float) -> Rate:
    """Events per hour with the exact two-sided 95 % Poisson interval.

    Garwood (1936), "Fiducial limits for the Poisson distribution", Biometrika 28: quantiles of chi-squared / 2,
    which are those of the gamma distribution. Raises ValueError unless count >= 0 and hours > 0.
    """
    low, high = _poisson(count, hours, 0.025)
    return Rate(count, hours, count / hours, low, high)


def rate_gate(count: int, hours: float) -> tuple[float, float]:
    """One-sided exact 95 % Poisson bounds of events per hour, for gates. Raises as `rate`."""
    return _poisson(count, hours, 0.05)


def rate_ratio(before: int, before_hours: float, after: int, after_hours: float) -> tuple[float, float]:
    """(the second rate by the first, two-sided p that they are equal).

    Given their sum, the second count is binomial (Przyborowski and Wilenski 1940, "Homogeneity of results in testing
    samples from Poisson series", Biometrika 31). When either count is 0 half an event is added to both, so that the
    ratio is a number; p is of the counts as they are. Raises as `rate`.
    """
    from scipy.stats import binomtest

    for count, hours in ((before, before_hours), (after, after_hours)):
        _is_rate(count, hours)
    more = 0.0 if before and after else 0.5
    ratio = ((after + more) / after_hours) / ((before + more) / before_hours)
    if before + after == 0:
        return ratio, 1.0
    test = binomtest(after, before + after, after_hours / (before_hours + after_hours))
    return ratio, min(1.0, float(test.pvalue))


def time_to_detect(
    seen: Sequence[tuple[str, float | None]], horizon: float, *, seed: int, resamples: int = RESAMPLES
) -> TimeToDetect:
    """How soon steps were noticed: (step, seconds; None when never) of every time one was carried out.

    Those not noticed by the horizon (seconds) are censored there, and only there; so Kaplan and Meier's curve (1958,
    "Nonparametric estimation from incomplete observations", J. Am. Stat. Assoc. 53) is the plain share of those still
    silent, and Greenwood's variance is the binomial one. Its band is Wilson's, which does not collapse at 0 and 1,
    with the number of steps for n, as for `within`: repeats of one step tell little about another.
    `restricted_mean` is the mean over steps of each step's mean time up to the horizon (Royston and Parmar 2013,
    "Restricted mean survival time", BMC Med. Res. Methodol. 13), resampled over steps.
    Raises ValueError when there is nothing, or a time or the horizon is below 0.
    """
    if not seen or horizon <= 0 or any(after is not None and after < 0 for _, after in seen):
        raise ValueError("a time to detect needs at least one step, a horizon above 0 and no time below 0")
    times = sorted(after for _, after in seen if after is not None and after <= horizon)
    capped: dict[str, list[float]] = {}
    for step, after in seen:
        capped.setdefault(step, []).append(horizon if after is None else min(after, horizon))
    means = [math.fsum(sorted(values)) / len(values) for values in capped.values()]
    enough = math.ceil(len(seen) / 2)
    return TimeToDetect(
        detected=len(times),
        censored=len(seen) - len(times),
        horizon=horizon,
        median=times[enough - 1] if len(times) >= enough else None,
        restricted_mean=_mean_of(means, 0.0, horizon, seed, resamples),
        within=tuple((moment, _noticed_by(moment, times, len(seen), len(means))) for moment in MOMENTS),
        curve=_curve(times, len(seen), len(means)),
    )


def confirm(noticed: int, reruns: int) -> Confirmed:
    """What reruns of a step that was missed once say: `regressed` when at most 1 of 4 noticed it, `flaky` at 2 or 3.

    Any other number of reruns is held to the same shares: regressed up to a quarter, flaky up to three quarters. A
    step noticed 95 % of the time is missed and then called regressed 2 times in 100,000 (4 reruns).
    Raises ValueError unless 0 <= noticed <= reruns and reruns > 0.
    """
    _is_share(noticed, reruns)
    if reruns == 0:
        raise ValueError("no rerun confirms nothing")
    if 4 * noticed <= reruns:
        return "regressed"
    return "flaky" if 4 * noticed <= 3 * reruns else "fine"


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile (0..1), between two values in proportion: Hyndman and Fan's (1996) type 7.

    Raises ValueError when there is no value or q is outside 0..1.
    """
    if not values or not 0 <= q <= 1:
        raise ValueError(f"there is no {q} quantile of {len(values)} values")
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def middle(values: array[float]) -> float:
    """The median, of so many values that to sort them as Python's numbers would take too much memory.

    Raises ValueError when there is no value.
    """
    import numpy as np

    if not values:
        raise ValueError("there is no median of nothing")
    return float(np.median(np.frombuffer(values, dtype=np.float64)))


def _mean_of(values: Sequence[float], least: float, most: float, seed: int, resamples: int) -> Estimate:
    """The mean of per-step values within least..most, with an interval for steps like these."""
    placed = [min(1.0, max(0.0, (value - least) / (most - least))) for value in values]
    mean, number = math.fsum(placed) / len(placed), len(placed)
    if _all_equal(placed):
        other = clopper_pearson(0, number)[1]
        low, high, method = mean - other * mean, mean + other * (1 - mean), EQUAL
    elif number < FEW or least < 0:
        low, high, method = *_scored(placed, mean), SCORED
    else:
        low, high, method = *_resampled(placed, mean, seed, resamples), RESAMPLED
    value = math.fsum(values) / number
    ends = [round(least + (most - least) * end, 12) for end in (low, high)]
    return Estimate(value, max(least, min(ends[0], value)), min(most, max(ends[1], value)), number, method)


def _wilson(p: float, of: float) -> tuple[float, float]:
    square = Z95 * Z95
    scale = 1 + square / of
    centre = (p + square / (2 * of)) / scale
    half = Z95 * math.sqrt(p * (1 - p) / of + square / (4 * of * of)) / scale
    return 0.0 if p == 0 else max(0.0, centre - half), 1.0 if p == 1 else min(1.0, centre + half)


def _all_equal(values: Sequence[float]) -> bool:
    return len({round(value * _SCALE) for value in values}) == 1


def _scored(values: Sequence[float], mean: float) -> tuple[float, float]:
    """Wilson's interval of the mean of values in 0..1, of as many things as have that mean's variance.

    That number is p (1 - p) / variance of the mean, made smaller by (z / t)^2 for the variance is estimated itself:
    Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data", Survey Methodology 24; with Wilson's interval: Kott and Carr (1997), "Developing an
    estimation strategy for a pesticide data program", J. Off. Stat. 13.
    """
    from scipy.special import stdtrit

    number = len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (number - 1) / number
    effective = mean * (1 - mean) / variance * (Z95 / float(stdtrit(number - 1, 0.975))) ** 2
    return _wilson(mean, effective)


def _resampled(values: Sequence[float], mean: float, seed: int, resamples: int) -> tuple[float, float]:
    """The bootstrap interval of the mean of values in 0..1 that are not all equal.

    Efron (1987), "Better bootstrap confidence intervals", J. Am. Stat. Assoc. 82: BCa. Resamples of n values vary
    too little, by sqrt((n - 1) / n): the level is widened by as much, as Hesterberg (2015), "What teachers should know
    about the bootstrap", Am. Stat. 69, has it for percentiles.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    number = len(values)
    whole = np.asarray(sorted(round(value * _SCALE) for value in values), dtype=np.int64)
    sums = np.sort(np.concatenate([whole[rows].sum(axis=1) for rows in _indices(seed, resamples, number)]))
    total = int(whole.sum())
    ties = int(np.searchsorted(sums, total, "left")) + int(np.searchsorted(sums, total, "right"))
    bias = float(ndtri(min(max(ties / 2, 0.5), resamples - 0.5) / resamples))
    spread = math.fsum((value - mean) ** 2 for value in values)
    skewness = math.fsum((value - mean) ** 3 for value in values) / (6 * spread**1.5)
    reach = Z95 * math.sqrt(number / (number - 1))
    bounds = []
    for side in (bias - reach, bias + reach):
        level = float(ndtr(bias + side / (1 - skewness * side)))
        place = min(max(round(level * (resamples + 1)), 1), resamples)
        bounds.append(int(sums[place - 1]) / number / _SCALE)
    return bounds[0], bounds[1]


def _raw(seed: int, rows: int, columns: int) -> Iterator[NDArray[uint64]]:
    """Random 64-bit words, some rows at a time, so that memory does not grow with rows x columns.

    A bit generator's own stream never changes between versions of numpy (NEP 19), and is the same however it is cut.
    """
    from numpy.random import PCG64

    words, block = PCG64(seed), max(1, AT_A_TIME // columns)
    for first in range(0, rows, block):
        number = min(block, rows - first)
        yield words.random_raw(number * columns).reshape(number, columns)


def _indices(seed: int, rows: int, number: int) -> Iterator[NDArray[int64]]:
    """Rows of `number` indices below `number`, each as likely as any other to within 1 in 2^32 / number."""
    import numpy as np

    for raw in _raw(seed, rows, number):
        yield ((raw >> np.uint64(32)) * np.uint64(number) >> np.uint64(32)).astype(np.int64)


def _flipped(sizes: NDArray[int64], flips: NDArray[uint64]) -> NDArray[int64]:
    """|sum of the sizes, those with a flip of 1 taken negative|, by row."""
    import numpy as np

    found: NDArray[int64] = np.abs(sizes.sum() - 2 * (sizes * flips.astype(np.int64)).sum(axis=1))
    return found


def _noticed_by(moment: float, times: Sequence[float], of: int, steps: int) -> Share:
    count = sum(after <= moment for after in times)
    low, high = wilson(count / of * steps, steps)
    return Share(count, of, count / of, low, high)


def _curve(times: Sequence[float], of: int, steps: int) -> tuple[CurvePoint, ...]:
    """A point for every time at which some step was noticed; before the first, all were silent."""
    points = []
    at_risk = of
    for after, count in sorted(Counter(times).items()):
        silent = (at_risk - count) / of
        low, high = wilson(silent * steps, steps)
        points.append(CurvePoint(after, silent, low, high, at_risk))
        at_risk -= count
    return tuple(points)


def _poisson(count: int, hours: float, tail: float) -> tuple[float, float]:
    from scipy.special import gammaincinv

    _is_rate(count, hours)
    low = float(gammaincinv(count, tail)) / hours if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - tail)) / hours


def _is_share(count: float, of: int) -> None:
    if not 0 <= count <= of + 1e-9:
        raise ValueError(f"{count} of {of} is no share")


def _is_rate(count: int, hours: float) -> None:
    if count < 0 or not 0 < hours < math.inf:
        raise ValueError(f"{count} events in {hours} hours make no rate")


def _is_within(values: Sequence[float], least: float, most: float) -> None:
    if not values:
        raise ValueError("there is no step to say anything of")
    for value in values:
        if not least <= value <= most:
            raise ValueError(f"a step's mean of {value} is outside {least:g} to {most:g}")
