"""The metrics of a scorecard: what each is, on which pixels, and all of them for one picture."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from rayfill.evaluation import psnr, ssim
from rayfill.evaluation.errors_l1 import l1_mean, l1_relative
from rayfill.spec.base import Spec

UInt8 = npt.NDArray[np.uint8]

Area = Literal["whole", "hole"]
Form = Literal["raw", "composited"]


class Metric(Spec):
    """The definition of one metric, written into every protocol."""

    name: str
    areas: tuple[Area, ...]
    better: Literal["higher", "lower"]
    definition: str = Field(description="formula, range and window, in words")


METRICS = (
    Metric(
        name="psnr",
        areas=("whole", "hole"),
        better="higher",
        definition="10 log10(1/mse) dB per image, at most 100; images of 100 are counted as capped; mean over images",
    ),
    Metric(
        name="ssim",
        areas=("whole", "hole"),
        better="higher",
        definition="RGB, Gaussian window 11, sigma 1.5, K 0.01 and 0.03, windows inside the image; "
        "hole: mean over the windows centred on a hole pixel",
    ),
    Metric(
        name="ssim_w51",
        areas=("whole",),
        better="higher",
        definition="RGB, uniform window 51, sample covariance, K 0.01 and 0.03, windows inside the image; none below 51 pixels",
    ),
    Metric(name="l1_mean", areas=("whole",), better="lower", definition="mean of |answer - target|, range 1.0"),
    Metric(name="l1_rel_gt", areas=("whole", "hole"), better="lower", definition="sum of |answer - target| / sum of target"),
    Metric(name="l1_hole", areas=("hole",), better="lower", definition="mean of |answer - target| over hole pixels, range 1.0"),
    Metric(name="mse", areas=("whole", "hole"), better="lower", definition="mean of (answer - target) squared, range 1.0"),
)
"""All on answers rounded to uint8; each is a mean of per-image values."""

Values = dict[tuple[str, Area], float]


def measure(answer: UInt8, target: UInt8, mask: UInt8) -> Values:
    """Every metric on every area where it is defined for this picture.

    Args:
        answer, target: (H,W,3) uint8, sides at least 11.
        mask: (H,W), 1 = hole, with at least one hole pixel.
    """
    a, b = answer / 255.0, target / 255.0
    hole = mask > 0
    difference = a - b
    values: dict[tuple[str, Area], float | None] = {}
    areas: dict[Area, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {
        "whole": (difference, b),
        "hole": (difference[hole], b[hole]),
    }
    for area, (d, truth) in areas.items():
        mse = psnr.mean_squared_error(d)
        values["mse", area] = mse
        values["psnr", area] = psnr.psnr(mse)
        values["l1_rel_gt", area] = l1_relative(d, truth)
    values["l1_mean", "whole"] = l1_mean(difference)
    values["l1_hole", "hole"] = l1_mean(difference[hole])
    similarity = ssim.ssim_map_gaussian(a, b)
    border = ssim.GAUSSIAN_SIDE // 2
    centred = hole[border:-border, border:-border]
    values["ssim", "whole"] = float(similarity.mean())
    values["ssim", "hole"] = float(similarity[centred].mean()) if centred.any() else None
    if min(mask.shape) >= ssim.UNIFORM_SIDE:
        values["ssim_w51", "whole"] = float(ssim.ssim_map_uniform(a, b).mean())
    return {key: value for key, value in values.items() if value is not None}
