"""Colour a map in [0,1]: blue for 0, red for 1, as in gdn, figure 7."""

import cv2
import numpy as np

from rayfill.inference.composite import UInt8


def heat_map(values: UInt8) -> UInt8:
    """(H,W) uint8, 255 = 1, to (H,W,3) RGB."""
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(values, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB), np.uint8)
