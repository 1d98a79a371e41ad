"""Structural similarity (Wang et al. 2004, equation 13) per colour channel, K1 = 0.01, K2 = 0.03, windows inside the image.

Two windows, because the papers' numbers come from two: a Gaussian of 11 pixels and sigma 1.5 (Wang's own; MAT, mmagic), and
a uniform one of 51 pixels with sample covariance (GDN's and EdgeConnect's scripts), whose values are higher and smoother.
torchmetrics' scalar differs in the third digit: it averages over windows that hang over the border too.

A window in which answer and target are equal scores exactly 1, so only windows that touch a changed pixel are computed. Values
are single precision around mid-gray, which keeps an image's mean within 1e-6 of double precision.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""First row, row behind the last, first column, column behind the last."""

GAUSSIAN_SIDE, GAUSSIAN_SIGMA = 11, 1.5
UNIFORM_SIDE = 51
_C1, _C2 = 0.01**2, 0.03**2
_KERNEL = cv2.getGaussianKernel(GAUSSIAN_SIDE, GAUSSIAN_SIGMA, cv2.CV_32F)


@dataclass(frozen=True)
class Window:
    """A kind of window: its side in pixels, its filter, and the factor that makes a variance unbiased."""

    side: int
    blur: Callable[[Float32], Float32]
    unbias: float

    @property
    def border(self) -> int:
        """Pixels on each side of the image on which no whole window is centred."""
        return self.side // 2


def _gaussian(picture: Float32) -> Float32:
    return np.asarray(cv2.sepFilter2D(picture, cv2.CV_32F, _KERNEL, _KERNEL), np.float32)


def _uniform(picture: Float32) -> Float32:
    return np.asarray(cv2.boxFilter(picture, cv2.CV_32F, (UNIFORM_SIDE, UNIFORM_SIDE)), np.float32)


GAUSSIAN = Window(GAUSSIAN_SIDE, _gaussian, 1.0)
UNIFORM = Window(UNIFORM_SIDE, _uniform, UNIFORM_SIDE**2 / (UNIFORM_SIDE**2 - 1))


class SsimTarget:
    """A target with its windowed means, which all answers to it share."""

    def __init__(self, target: UInt8, window: Window) -> None:
        """`target` is (H,W,3), both sides at least the window's."""
        self._window = window
        self._centred = centred(target)
        self._mean = window.blur(self._centred)
        self._square = window.blur(self._centred * self._centred)

    def similarity(self, answer: Float32, changed: Box | None) -> Float32:
        """SSIM of every window inside the image, mean over channels.

        Args:
            answer: (H,W,3) as `centred` gives it.
            changed: a box outside of which the answer is the target; None where nothing is changed.

        Returns:
            (H-side+1, W-side+1); entry (i, j) belongs to the window centred on pixel (i+border, j+border).
        """
        height, width = answer.shape[:2]
        border = self._window.border
        full = np.ones((height - 2 * border, width - 2 * border), np.float32)
        if changed is None:
            return full
        top, bottom = max(changed[0] - border, border), min(changed[1] + border, height - border)
        left, right = max(changed[2] - border, border), min(changed[3] + border, width - border)
        around = np.s_[top - border : bottom + border, left - border : right + border]
        inside = np.s_[border : bottom - top + border, border : right - left + border]
        a, b = answer[around], self._centred[around]
        mean, square, product = (self._window.blur(values)[inside] for values in (a, a * a, a * b))
        at = np.s_[top:bottom, left:right]
        found = _ssim(mean, square, product, self._mean[at], self._square[at], self._window.unbias)
        full[top - border : bottom - border, left - border : right - border] = found
        return full


def centred(picture: UInt8) -> Float32:
    """(H,W,3) uint8 as values in [-0.5, 0.5]: around zero, single precision loses the least of a variance."""
    return picture.astype(np.float32) / np.float32(255) - np.float32(0.5)


def changed_box(answer: UInt8, target: UInt8) -> Box | None:
    """The smallest box that holds every pixel in which two pictures (H,W,3) differ; None if they are equal."""
    different = (answer != target).any(axis=-1)
    left, top, width, height = cv2.boundingRect(different.astype(np.uint8))
    return (top, top + height, left, left + width) if width else None


def _ssim(mean_a: Float32, square_a: Float32, product: Float32, mean_b: Float32, square_b: Float32, unbias: float) -> Float32:
    """From windowed means of a, a² and ab, and of b and b², all of values around zero: the map, mean over channels."""
    covariance = np.float32(unbias) * (product - mean_a * mean_b)
    variances = np.float32(unbias) * (square_a + square_b - mean_a * mean_a - mean_b * mean_b)
    a, b = mean_a + np.float32(0.5), mean_b + np.float32(0.5)
    full = (2 * a * b + np.float32(_C1)) * (2 * covariance + np.float32(_C2))
    full /= (a * a + b * b + np.float32(_C1)) * (variances + np.float32(_C2))
    return np.asarray(full.mean(axis=-1), np.float32)
