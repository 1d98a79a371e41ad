"""Classical inpainting methods and the mean colour, as baselines that need no training."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]

RADIUS = 3
"""Pixels around a hole pixel that OpenCV's methods look at."""


def telea(picture: UInt8, mask: UInt8) -> UInt8:
    """Fast marching (Telea 2004). picture (H,W,3) uint8, mask (H,W) with 1 = hole; known pixels come back as they were."""
    return _opencv(picture, mask, cv2.INPAINT_TELEA)


def navier_stokes(picture: UInt8, mask: UInt8) -> UInt8:
    """Navier-Stokes (Bertalmio et al. 2001). picture (H,W,3) uint8, mask (H,W) with 1 = hole; known pixels stay."""
    return _opencv(picture, mask, cv2.INPAINT_NS)


def mean_fill(picture: UInt8, mask: UInt8) -> UInt8:
    """The mean colour of the known pixels in every hole pixel. picture (H,W,3) uint8, mask (H,W) with 1 = hole."""
    hole = mask > 0
    color = np.rint(picture[~hole].mean(axis=0)).astype(np.uint8)
    return np.where(hole[..., None], color, picture)


def harmonic(picture: UInt8, mask: UInt8) -> UInt8:
    """Harmonic fill, coarse to fine. picture (H,W,3) uint8, mask (H,W) with 1 = hole; known pixels come back as they were."""
    import torch  # not with the file: the registry's commands import the definitions below

    from rayfill.models.harmonic_fill import harmonic_fill

    hole = mask > 0
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    filled = harmonic_fill(image, torch.from_numpy(hole)[None, None].float())[0].permute(1, 2, 0).numpy()
    return np.where(hole[..., None], np.rint(filled * 255).astype(np.uint8), picture)


BASELINES: dict[str, Callable[[UInt8, UInt8], UInt8]] = {
    "telea": telea,
    "navier_stokes": navier_stokes,
    "harmonic": harmonic,
    "mean_fill": mean_fill,
}

DEFINITIONS = {
    "telea": f"OpenCV INPAINT_TELEA, radius {RADIUS}",
    "navier_stokes": f"OpenCV INPAINT_NS, radius {RADIUS}",
    "harmonic": "harmonic fill over halvings to 3 px, 6 Jacobi sweeps each",
    "mean_fill": "mean colour of the picture's known pixels",
}


def _opencv(picture: UInt8, mask: UInt8, method: int) -> UInt8:
    hole = (mask > 0).astype(np.uint8)
    blank = np.where(hole[..., None] > 0, np.uint8(0), picture)  # what stands in the hole must not leak into the answer
    return np.asarray(cv2.inpaint(blank, hole, RADIUS, method), np.uint8)
