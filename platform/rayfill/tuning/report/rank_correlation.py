"""Does the early metric predict the late one? Spearman's correlation between each rung's metric and the last one's."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import spearmanr

from rayfill.tuning.study.trial_record import Record

FEWEST = 5
"""Trials below which a rank correlation says nothing: with four, one swap moves it from 1 to 0.8."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rho over `n` trials that were measured at `step` and at their end; `missing` says why there is none."""

    step: int
    n: int
    rho: float | None
    missing: str | None


def rank_correlations(records: Sequence[Record], label: str) -> list[Correlation]:
    """One for every rung below a complete trial's last, by step.

    Only complete trials have an end to compare with. Where trials are pruned these are the ones that looked good early, so rho
    comes out lower than over all of them.
    """
    pairs: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record in records:
        if record.state != "complete" or not record.curve or label not in record.curve[-1].metrics:
            continue
        end = record.curve[-1].metrics[label]
        for rung in record.curve[:-1]:
            if label in rung.metrics:
                pairs[rung.step].append((rung.metrics[label], end))
    return [_correlation(step, pairs[step]) for step in sorted(pairs)]


def _correlation(step: int, pairs: Sequence[tuple[float, float]]) -> Correlation:
    n = len(pairs)
    if n < FEWEST:
        return Correlation(step, n, None, f"too few trials to say (at least {FEWEST})")
    early, late = zip(*pairs, strict=True)
    if len(set(early)) == 1 or len(set(late)) == 1:
        return Correlation(step, n, None, "all trials have the same value")
    rho = float(spearmanr(early, late).statistic)
    return Correlation(step, n, rho, None) if math.isfinite(rho) else Correlation(step, n, None, "a value is not a number")
