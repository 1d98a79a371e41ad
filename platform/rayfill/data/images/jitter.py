"""Change the colours of a training image a little: brightness, contrast, saturation and hue in one matrix a pixel."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.recipe import ColorJitter

LUMINANCE = np.array([0.299, 0.587, 0.114])


def jitter_colors(image: npt.NDArray[np.uint8], jitter: ColorJitter, chosen: tuple[float, float, float, float]) -> None:
    """Change an (S,S,3) uint8 RGB image in place.

    Args:
        image: changed; values are rounded and held in 0..255.
        jitter: the largest changes.
        chosen: of brightness, contrast, saturation and hue, in [-1, 1], as shares of the largest.
    """
    matrix, offset = color_matrix(jitter, chosen, np.array(cv2.mean(image)[:3]))
    cv2.transform(image, np.column_stack([matrix, offset]), dst=image)


def color_matrix(
    jitter: ColorJitter, chosen: tuple[float, float, float, float], mean: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(3,3) and (3,), such that matrix @ RGB + offset is the changed colour, for a picture of that mean colour in 0..255.

    Saturation scales the distance from the pixel's gray, hue turns around the gray axis, contrast scales the distance from the
    picture's mean gray, and brightness scales everything; so gray pixels stay gray.
    """
    bounds = (jitter.brightness, jitter.contrast, jitter.saturation)
    brightness, contrast, saturation = (1 + bound * share for bound, share in zip(bounds, chosen[:3], strict=True))
    gray = np.outer(np.ones(3), LUMINANCE)
    matrix = _turned(2 * math.pi * jitter.hue * chosen[3]) @ (saturation * np.eye(3) + (1 - saturation) * gray)
    offset = np.full(3, brightness * (1 - contrast) * float(LUMINANCE @ mean))
    return brightness * contrast * matrix, offset


def _turned(angle: float) -> npt.NDArray[np.float64]:
    """The rotation of RGB space around its gray axis."""
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3)
    across = np.array([[0, -sine, sine], [sine, 0, -sine], [-sine, sine, 0]])
    turned: npt.NDArray[np.float64] = cosine * np.eye(3) + (1 - cosine) / 3 + across
    return turned
