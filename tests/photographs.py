"""Small photographs to test with."""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg


def picture(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    """(height, width, 3) uint8: a smooth random picture."""
    noise = np.random.default_rng(seed).uniform(0, 255, (6, 8, 3)).astype(np.float32)
    return np.ascontiguousarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8))


def write_photographs(folder: Path, count: int, first: int = 0) -> Path:
    """JPEGs of different pictures, some of them in a folder below; gives `folder`."""
    for seed in range(first, first + count):
        path = folder / ("below" if seed % 3 == 0 else "") / f"{seed:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(simplejpeg.encode_jpeg(picture(seed), colorspace="RGB"))
    return folder
