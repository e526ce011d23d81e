"""One arm of two campaigns side by side: what is compared, and what follows from it.

Knows: which arm is meant when nobody says, and when a comparison decides nothing. The work is done by
range/judging/comparing.py.
Must never: take a loss that could not be confirmed for "no regression".
"""

from __future__ import annotations

from collections.abc import Mapping

from range.campaign import CONTROL
from range.errors import NotFound, Refused
from range.judging.comparing import compare
from range.judging.result import CampaignResult
from range.judging.scorecard import Comparison, Outcome, Rate

ALPHA = 0.05


def between(before: CampaignResult, after: CampaignResult, arm: str = "") -> Comparison:
    """`after` against `before`, of the arm that both have. Raises NotFound, Refused (which arm is not clear)."""
    arm = arm or _only(before, after)
    for result in (before, after):
        if arm not in dict(result.arms):
            raise NotFound(f"run {result.run.run_id} has no arm `{arm}`", hint="it has " + ", ".join(dict(result.arms)))
    return compare(
        before.of_arm(arm),
        after.of_arm(arm),
        (before.run.run_id, after.run.run_id),
        alpha=ALPHA,
        seed=after.run.seed,
        reruns=after.reruns,
        reruns_wanted=after.rules.reruns,
        rates=(_rate(before, arm), _rate(after, arm)),
        settings=(_settings(before), _settings(after)),
    )


def outcome(found: Comparison) -> tuple[Outcome, str]:
    """pass: no regression · fail: a step regressed, or the share over all steps fell · insufficient; and why.

    As in the gate `no_regression`, a step that was not conclusive before has nothing to be compared with: it is named.
    """
    worse = [change.step for change in found.steps if change.verdict == "regressed"]
    if worse:
        return "fail", f"regressed: {', '.join(worse)}"
    fell = found.difference is not None and found.difference.high < 0 and found.p is not None and found.p <= ALPHA
    if fell:
        return "fail", "no single step is proven to have regressed, but over all steps less is noticed"
    if found.difference is None:
        return "insufficient", "no step is conclusive on both sides"
    unsure = [change.step for change in found.steps if change.before[1] and change.verdict in ("unknown", "flaky")]
    if unsure:
        return "insufficient", f"too few conclusive trials to tell: {', '.join(unsure)}"
    left_out = [change.step for change in found.steps if not change.before[1]]
    more = f"; nothing was conclusive before, so nothing is compared: {', '.join(left_out)}" if left_out else ""
    return "pass", f"no step regressed{more}"


def _only(before: CampaignResult, after: CampaignResult) -> str:
    both = [name for name, _tools in before.arms if name in dict(after.arms) and name != CONTROL]
    if len(both) == 1:
        return both[0]
    if "candidate" in both:
        return "candidate"
    told = ", ".join(both) if both else "none beside control"
    raise Refused(f"which arm is to be compared? Both runs have: {told}", hint="name one with --arm")


def _rate(result: CampaignResult, arm: str) -> Rate | None:
    card = next((card for card in result.scorecards if card.arm == arm), None)
    return card.alarms.rate if card and card.alarms else None


def _settings(result: CampaignResult) -> Mapping[str, str]:
    """What was chosen besides the tools, by the words a reader knows."""
    run = result.run
    return {
        "scenario": run.scenario,
        "topology": run.topology,
        "level": run.level,
        "ATT&CK version": run.attack,
        "version of Jointrange": run.version,
        "`tag_mismatch`": result.rules.tag_mismatch,
    }
