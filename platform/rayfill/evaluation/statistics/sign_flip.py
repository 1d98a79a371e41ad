"""Whether a paired difference may be chance: flip its sign photograph by photograph, and see how often as much comes out.

Exact for differences that are symmetric around the null value, with any number of photographs and any spread.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from rayfill.evaluation.statistics.bootstrap import SEED, Clustered

FLIPS = 9_999
Alternative = Literal["different", "greater"]


def sign_flip_p(data: Clustered, null: float = 0.0, alternative: Alternative = "different") -> npt.NDArray[np.float64]:
    """(K,) p-values of the hypothesis that each mean difference is `null` (or, for `greater`, no more than it)."""
    sums = data.sums - null * data.counts
    generator = np.random.default_rng((SEED, sums.shape[1]))
    signs = generator.integers(0, 2, (FLIPS, sums.shape[1]), np.int8) * np.int8(2) - np.int8(1)
    flipped, seen = signs @ sums.T, sums.sum(axis=1)
    if alternative == "different":
        flipped, seen = np.abs(flipped), np.abs(seen)
    as_much = flipped >= seen - 1e-12 * np.abs(sums).sum(axis=1)  # the same sum in another order
    return np.asarray((1 + as_much.sum(axis=0)) / (1 + FLIPS), np.float64)


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """p-values (K,) corrected for looking at K of them (Holm 1979): those below 0.05 are all right with 95 % confidence."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
