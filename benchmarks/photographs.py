"""Photographs for measurements: noise of several sizes laid over each other, which JPEG finds as hard as a photograph."""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg

HEIGHT, WIDTH = 300, 320
QUALITY = 90


def make_photographs(folder: Path, count: int) -> None:
    """Write `count` different JPEGs of 320 x 300 pixels, about 27 kB each, into `folder`."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        (folder / f"{number:05d}.jpg").write_bytes(simplejpeg.encode_jpeg(_picture(rng), quality=QUALITY, colorspace="RGB"))


def _picture(rng: np.random.Generator) -> np.ndarray:
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.float32)
    for cells, strength in ((4, 50), (16, 25), (64, 12), (200, 9)):
        noise = rng.standard_normal((cells, cells, 3), np.float32) * strength
        picture += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))
