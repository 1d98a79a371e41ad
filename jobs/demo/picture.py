"""The demo's before/after picture, by way of the HTTP interface of a model that is served."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import requests
from PIL import Image

from jobs.demo.photographs import photographs
from rayfill.masks.draw import draw_mask
from rayfill.spec.masks import Irregular, MaskFamily, MaskMix, Scratches, Text
from serving.start import start_serving

SHOWN = "chelsea.png"
DAMAGE: tuple[MaskFamily, ...] = (
    Scratches(kind="scratches", max_count=24, min_width=1, max_width=5),
    Text(kind="text", max_lines=2, min_height=0.1, max_height=0.12),
    Irregular(kind="irregular", buckets=("(0.01,0.1]",)),
)
"""What happens to the photograph: all of these, one upon the other."""
GAP = 4
"""Pixels of white between the three pictures."""
TIMEOUT_S = 120


def ask_for_picture(model: str, root: str, folder: Path, port: int) -> tuple[str, Path]:
    """Serve a model, send it a photograph with holes, and write the before/after picture; the URL and the picture's path."""
    photograph = next(path for path in photographs() if path.name == SHOWN)
    image = np.asarray(Image.open(photograph).convert("RGB"))
    height, width = image.shape[:2]
    masks = [draw_mask(MaskMix(families=(family,)), height, width, ("demo", family.kind)) for family in DAMAGE]
    mask = np.maximum.reduce(masks)
    serving = start_serving(model, root, "127.0.0.1", port, 1)
    try:
        files = {"image": ("photograph.png", _png(image)), "mask": ("mask.png", _png(mask * 255))}
        answer = requests.post(f"{serving.url}/v1/inpaint", files=files, timeout=TIMEOUT_S)
        answer.raise_for_status()
    finally:
        serving.stop()
    restored = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
    if not np.array_equal(restored[mask == 0], image[mask == 0]):
        raise AssertionError("the server changed known pixels")
    broken = np.where(mask[..., None] > 0, np.uint8(255), image)
    gap = np.full((image.shape[0], GAP, 3), 255, np.uint8)
    picture = folder / "before-after.png"
    Image.fromarray(np.concatenate([broken, gap, restored, gap, image], axis=1)).save(picture)
    return serving.url, picture


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
