"""Two methods on the same photographs and masks: gains with intervals, effect sizes, and p-values corrected for many looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rayfill.evaluation.statistics.bootstrap import CONFIDENCE, FEWEST, cluster, intervals
from rayfill.evaluation.statistics.sign_flip import holm, sign_flip_p
from rayfill.spec.release import ALL

Float64 = npt.NDArray[np.float64]
Verdict = Literal["better", "worse", "not told apart", "too few photographs"]


@dataclass(frozen=True)
class Gain:
    """How much better the second of two methods is in a bucket or slice; positive is better, whichever way the metric counts.

    Attributes:
        where: the bucket, `all`, or the slice.
        photographs: that have a pair in it.
        first, second: means of the two.
        gain: their difference, in the metric's unit; `low` to `high` is its 95 % interval over photographs, NaN below two.
        effect: mean gain of a photograph over the spread of gains among photographs (Cohen's d of pairs): 0.2 small, 0.8 large.
        wins: share of photographs on which the second is better.
        p: chance of a difference as large if the two were alike (sign flips), corrected by Holm for the rows beside it.
    """

    where: str
    photographs: int
    first: float
    second: float
    gain: float
    low: float
    high: float
    effect: float
    wins: float
    p: float

    @property
    def verdict(self) -> Verdict:
        """What can be said with 95 % confidence over all rows of the table."""
        if self.photographs < FEWEST:
            return "too few photographs"
        if self.p >= 1 - CONFIDENCE:
            return "not told apart"
        return "better" if self.gain > 0 else "worse"


def by_bucket(buckets: tuple[str, ...], photographs: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Each bucket and, last, `all`, as members (buckets, photographs)."""
    row = np.arange(len(buckets))[:, None] * np.ones((1, photographs), int)
    return {**{bucket: row == i for i, bucket in enumerate(buckets)}, ALL: np.ones_like(row, bool)}


def gains(
    first: Float64, second: Float64, better: Literal["higher", "lower"], groups: Mapping[str, npt.NDArray[np.bool_]]
) -> tuple[Gain, ...]:
    """A row for each group in which both have values.

    Args:
        first, second: values (buckets, photographs), NaN where there is none.
        better: which way the metric counts.
        groups: members (buckets, photographs) by name. p-values are corrected for their number.
    """
    difference = (second - first) * (1 if better == "higher" else -1)
    both = np.isfinite(difference)
    named = {name: members & both for name, members in groups.items() if (members & both).any()}
    if not named:
        return ()
    stacked = np.stack([np.where(members, difference, np.nan) for members in named.values()])
    data = cluster(stacked)
    low, high = intervals(data, ((1 - CONFIDENCE) / 2, (1 - CONFIDENCE) / 2))
    p = holm(sign_flip_p(data))
    rows = []
    for i, (name, members) in enumerate(named.items()):
        there = data.counts[i] > 0
        own = data.sums[i, there] / data.counts[i, there]
        spread = float(own.std(ddof=1)) if len(own) > 1 else 0.0
        rows.append(
            Gain(
                where=name,
                photographs=int(there.sum()),
                first=float(first[members].mean()),
                second=float(second[members].mean()),
                gain=float(data.means[i]),
                low=float(low[i]),
                high=float(high[i]),
                effect=float(own.mean()) / spread if spread > 0 else 0.0,
                wins=float((own > 0).mean()),
                p=float(p[i]),
            )
        )
    return tuple(rows)
