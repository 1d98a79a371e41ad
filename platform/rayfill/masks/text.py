"""Text: lines of random letters and digits in OpenCV's stroke fonts."""

import string

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Text

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
_LETTERS = np.array(list(string.ascii_letters + string.digits + string.digits + ".:/"))
_LENGTH = (2, 12)
_STROKE = (0.06, 0.2)
"""Width of a stroke as a share of the letter's height."""


def draw_text(spec: Text, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: 1 to `max_lines` lines, each of one size, starting anywhere in the picture."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, spec.max_lines + 1))):
        letter = max(4.0, min(height, width) * rng.uniform(spec.min_height, spec.max_height))
        words = "".join(rng.choice(_LETTERS, int(rng.integers(_LENGTH[0], _LENGTH[1] + 1))))
        font = _FONTS[int(rng.integers(len(_FONTS)))]
        thickness = max(1, round(letter * rng.uniform(*_STROKE)))
        scale = cv2.getFontScaleFromHeight(font, round(letter), thickness)
        (length, _), _ = cv2.getTextSize(words, font, scale, thickness)
        left = int(rng.integers(min(0, width - length), max(0, width - length) + 1))
        bottom = int(rng.integers(min(round(letter), height), height + 1))
        cv2.putText(mask, words, (left, bottom), font, scale, 1, thickness)
    return mask
