"""Mean squared error and peak signal-to-noise ratio."""

import math

import numpy as np
import numpy.typing as npt

CAP = 100.0
"""dB. An identical pair has no finite PSNR; it counts as this, and scorecards say how many pairs did."""


def mean_squared_error(difference: npt.NDArray[np.float64]) -> float:
    """Mean of d squared, d in [-1,1] of any shape."""
    return float(np.square(difference).mean())


def psnr(mse: float) -> float:
    """PSNR in dB for values in a range of 1.0: 10 log10(1/mse), at most 100."""
    return min(CAP, -10.0 * math.log10(mse)) if mse > 0 else CAP
