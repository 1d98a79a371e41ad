"""Structural similarity (Wang et al. 2004, equation 13) per colour channel, K1 = 0.01, K2 = 0.03, windows inside the image.

Two windows, because the papers' numbers come from two: a Gaussian of 11 pixels and sigma 1.5 (Wang's own; MAT, mmagic), and
a uniform one of 51 pixels with sample covariance (GDN's and EdgeConnect's scripts), whose values are higher and smoother.
torchmetrics' scalar differs in the third digit: it averages over windows that hang over the border too.
"""

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float64]

GAUSSIAN_SIDE, GAUSSIAN_SIGMA = 11, 1.5
UNIFORM_SIDE = 51
_C1, _C2 = 0.01**2, 0.03**2


def ssim_map_gaussian(a: Picture, b: Picture) -> Picture:
    """SSIM of every 11-pixel Gaussian window that lies inside the image, mean over channels.

    Args:
        a, b: (H,W,3) in [0,1], both sides at least 11.

    Returns:
        (H-10, W-10); entry (i, j) belongs to the window centred on pixel (i+5, j+5).
    """
    kernel = cv2.getGaussianKernel(GAUSSIAN_SIDE, GAUSSIAN_SIGMA, cv2.CV_64F)

    def blur(picture: Picture) -> Picture:
        return np.asarray(cv2.sepFilter2D(picture, cv2.CV_64F, kernel, kernel), np.float64)

    return _ssim_map(blur(a), blur(b), blur(a * a + b * b), blur(a * b), 1.0, GAUSSIAN_SIDE // 2)


def ssim_map_uniform(a: Picture, b: Picture) -> Picture:
    """SSIM of every 51-pixel uniform window inside the image, mean over channels, (H-50, W-50).

    a, b: (H,W,3) in [0,1], both sides at least 51. Equals scikit-image's `structural_similarity(win_size=51)`.
    """
    side = (UNIFORM_SIDE, UNIFORM_SIDE)
    pixels = UNIFORM_SIDE**2

    def blur(picture: Picture) -> Picture:
        return np.asarray(cv2.boxFilter(picture, cv2.CV_64F, side), np.float64)

    return _ssim_map(blur(a), blur(b), blur(a * a + b * b), blur(a * b), pixels / (pixels - 1), UNIFORM_SIDE // 2)


def _ssim_map(mean_a: Picture, mean_b: Picture, squares: Picture, product: Picture, unbias: float, border: int) -> Picture:
    """From windowed means of a, b, a²+b² and ab: only the sum of the two variances is needed, so they share a filter."""
    means, mean_squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
    variances, covariance = unbias * (squares - mean_squares), unbias * (product - means)
    full = ((2 * means + _C1) * (2 * covariance + _C2)) / ((mean_squares + _C1) * (variances + _C2))
    inside = full[border:-border, border:-border].mean(axis=-1)
    return np.asarray(inside, np.float64)
