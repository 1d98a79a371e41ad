"""The metrics of a scorecard: what each is, on which pixels, and all of them for one picture."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from rayfill.evaluation import looks, psnr, ssim
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
    Metric(
        name="sharpness",
        areas=("hole",),
        better="higher",
        definition="gradient energy in the hole and that of the truth, each plus one level squared: smaller over larger",
    ),
    Metric(
        name="seam",
        areas=("hole",),
        better="lower",
        definition="mean |step of luma across the hole's border| less the truth's, at least 0, range 1.0",
    ),
    Metric(
        name="color_shift",
        areas=("hole",),
        better="lower",
        definition="|mean of answer - target over the hole|, mean over channels, range 1.0",
    ),
    Metric(
        name="known_changed",
        areas=("whole",),
        better="lower",
        definition="share of known pixels that are not the photograph's, bit for bit",
    ),
)
"""All on answers rounded to uint8; each is a mean of per-image values."""

Values = dict[tuple[str, Area], float]


class Target:
    """A photograph with all that its answers share, whatever the hole."""

    def __init__(self, pixels: UInt8) -> None:
        """`pixels` is (H,W,3) uint8, sides at least 11."""
        self.pixels = pixels
        self.light = looks.luma(pixels)
        self.gaussian = ssim.SsimTarget(pixels, ssim.GAUSSIAN)
        self.uniform = ssim.SsimTarget(pixels, ssim.UNIFORM) if min(pixels.shape[:2]) >= ssim.UNIFORM_SIDE else None


class Scene:
    """A photograph with one hole in it, on which answers are measured."""

    def __init__(self, target: Target, mask: UInt8) -> None:
        """`mask` is (H,W), non-zero = hole, with at least one hole pixel."""
        self.target, self.hole = target, mask > 0
        border = ssim.GAUSSIAN.border
        self._centres = self.hole[border:-border, border:-border]
        self._steps = looks.steps_of(self.hole)
        self.truth_energy = looks.gradient_energy(target.light, self._steps)
        self._step = looks.border_step(target.light, self._steps)
        self._sums = {
            "whole": int(target.pixels.sum(dtype=np.int64)),
            "hole": int(target.pixels[self.hole].sum(dtype=np.int64)),
        }

    def measure(self, answer: UInt8) -> Values:
        """Every metric on every area where it is defined for this picture; `answer` is (H,W,3) uint8."""
        values = self._errors(answer)
        centred, box = ssim.centred(answer), ssim.changed_box(answer, self.target.pixels)
        similarity = self.target.gaussian.similarity(centred, box)
        values["ssim", "whole"] = float(similarity.mean(dtype=np.float64))
        if self._centres.any():
            values["ssim", "hole"] = float(similarity[self._centres].mean(dtype=np.float64))
        if self.target.uniform is not None:
            values["ssim_w51", "whole"] = float(self.target.uniform.similarity(centred, box).mean(dtype=np.float64))
        light = looks.luma(answer)
        values["sharpness", "hole"] = looks.sharpness(looks.gradient_energy(light, self._steps), self.truth_energy)
        values["seam", "hole"] = looks.seam(looks.border_step(light, self._steps), self._step)
        return {key: value for key, value in values.items() if value is not None}

    def _errors(self, answer: UInt8) -> dict[tuple[str, Area], float | None]:
        """What only differences tell. Sums are of whole numbers, so they are exact."""
        difference = answer.astype(np.int16) - self.target.pixels
        in_hole = difference[self.hole]
        areas: dict[Area, npt.NDArray[np.int16]] = {"whole": difference, "hole": in_hole}
        values: dict[tuple[str, Area], float | None] = {}
        for area, d in areas.items():
            absolute = int(np.abs(d).sum(dtype=np.int64))
            mse = int(np.square(d, dtype=np.int32).sum(dtype=np.int64)) / (d.size * 255**2)
            values["mse", area], values["psnr", area] = mse, psnr.psnr(mse)
            values["l1_rel_gt", area] = absolute / self._sums[area] if self._sums[area] else None
            values["l1_mean" if area == "whole" else "l1_hole", area] = absolute / (d.size * 255)
        values["color_shift", "hole"] = float(np.abs(in_hole.mean(axis=0)).mean()) / 255
        known = ~self.hole
        values["known_changed", "whole"] = float(difference[known].any(axis=-1).mean()) if known.any() else None
        return values


def measure(answer: UInt8, target: UInt8, mask: UInt8) -> Values:
    """Every metric of one answer. Who has several answers to one photograph keeps its `Target` and `Scene`.

    Args:
        answer, target: (H,W,3) uint8, sides at least 11.
        mask: (H,W), non-zero = hole, with at least one hole pixel.
    """
    return Scene(Target(target), mask).measure(answer)
