"""What many replays of one contestant come to: the best metric against compute, over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.sweep.replay import Replayed

Floats = npt.NDArray[np.float64]

POINTS = 401
"""Of the compute axis, both ends included."""


@dataclass(frozen=True)
class Summary:
    """One contestant.

    Attributes:
        shares: (POINTS,) compute as a share of what random search had, 0 to 1.
        best: (seeds, POINTS) worth of the best finished trial by then, in dB; NaN before the first one.
        begun, finished: trials, means over seeds.
    """

    shares: Floats
    best: Floats
    begun: float
    finished: float

    @property
    def mean(self) -> Floats:
        """(POINTS,) over seeds; NaN until every seed has a finished trial."""
        found: Floats = self.best.mean(axis=0)
        return found

    @property
    def spread(self) -> Floats:
        """(POINTS,) standard deviation over seeds."""
        found: Floats = self.best.std(axis=0, ddof=1)
        return found

    def at(self, share: float) -> tuple[float, float]:
        """Mean and standard deviation over seeds when this share of the compute was spent."""
        i = round(share * (POINTS - 1))
        return float(self.mean[i]), float(self.spread[i])

    def reaches(self, metric: float) -> float | None:
        """The share of the compute at which the mean over seeds is `metric`; None if it never is."""
        there = np.flatnonzero(self.mean >= metric)
        return float(self.shares[there[0]]) if len(there) else None


def summarise(replays: Sequence[Replayed], compute: float) -> Summary:
    """Replays of one contestant that ran up to `compute` worker-seconds, one a seed."""
    shares = np.linspace(0, 1, POINTS)
    return Summary(
        shares=shares,
        best=np.array([_best(replay, shares * compute) for replay in replays]),
        begun=float(np.mean([replay.begun for replay in replays])),
        finished=float(np.mean([replay.finished for replay in replays])),
    )


def _best(replay: Replayed, computes: Floats) -> Floats:
    at = np.array([found.compute for found in replay.found])
    worth = np.array([np.nan, *(found.metric for found in replay.found)])
    found: Floats = worth[np.searchsorted(at, computes, side="right")]
    return found
