"""What a person sees and PSNR does not ask for: how sharp the hole is, whether its border shows, whether its colour fits."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

_LEVEL = 1 / 255
"""Differences of one level are rounding, not texture."""


@dataclass(frozen=True)
class Steps:
    """Pairs of neighbours in a picture, right and below: those within the hole, and those across its border."""

    inside: tuple[Bool, Bool]
    across: tuple[Bool, Bool]


def steps_of(hole: Bool) -> Steps:
    """The pairs of a hole (H,W): (H,W-1) to the right and (H-1,W) downwards."""
    pairs = (hole[:, :-1], hole[:, 1:]), (hole[:-1], hole[1:])
    right, below = ((a & b, a ^ b) for a, b in pairs)
    return Steps((right[0], below[0]), (right[1], below[1]))


def luma(picture: UInt8) -> Float32:
    """(H,W,3) uint8 RGB to (H,W) in [0,1]."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def gradient_energy(light: Float32, steps: Steps) -> float | None:
    """Mean squared difference of neighbours within the hole; None where it has no two neighbours."""
    found = np.concatenate([_right(light)[steps.inside[0]], _below(light)[steps.inside[1]]])
    return float(np.square(found, dtype=np.float64).mean()) if found.size else None


def border_step(light: Float32, steps: Steps) -> float | None:
    """Mean absolute difference of neighbours across the hole's border; None where the hole is the whole picture."""
    found = np.concatenate([_right(light)[steps.across[0]], _below(light)[steps.across[1]]])
    return float(np.abs(found).mean(dtype=np.float64)) if found.size else None


def sharpness(answer: float | None, truth: float | None) -> float | None:
    """Of two gradient energies the smaller over the larger, in [0,1]: 1 = as much texture as the photograph has."""
    if answer is None or truth is None:
        return None
    a, b = answer + _LEVEL**2, truth + _LEVEL**2
    return min(a, b) / max(a, b)


def seam(answer: float | None, truth: float | None) -> float | None:
    """How much larger the steps across the border are than the photograph's, range 1.0; 0 where they are not."""
    return None if answer is None or truth is None else max(0.0, answer - truth)


def _right(light: Float32) -> Float32:
    return np.asarray(light[:, 1:] - light[:, :-1], np.float32)


def _below(light: Float32) -> Float32:
    return np.asarray(light[1:] - light[:-1], np.float32)
