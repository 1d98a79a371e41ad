"""Absolute errors, in the three forms that papers all call "l1" (systems compared under one name differ by a factor of two)."""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float64]


def l1_mean(difference: Pixels) -> float:
    """Mean of |d|, d in [-1,1] of any shape: never above the root mean square of d. On hole pixels alone it is `l1_hole`."""
    return float(np.abs(difference).mean())


def l1_relative(difference: Pixels, target: Pixels) -> float | None:
    """sum |d| / sum target, what GDN's "l1 %" is: dark pictures weigh more, and it may exceed the root mean square error.

    target in [0,1], of the shape of d. None where the target is black throughout.
    """
    brightness = float(target.sum())
    return float(np.abs(difference).sum()) / brightness if brightness > 0 else None
