"""Evaluation on adopted shards: PNG and WebP photographs beside JPEG."""

import io
from pathlib import Path

import cv2
import numpy as np
import webdataset
from PIL import Image

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.evaluation.photographs import Photographs
from rayfill.spec.dataset import IngestSpec


def test_png_and_webp_are_read(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (6, 8, 3), np.uint8) for _ in range(6)]
    pictures = [cv2.resize(pixels, (80, 60), interpolation=cv2.INTER_CUBIC) for pixels in coarse]
    with webdataset.TarWriter(str(tmp_path / "theirs" / "00000.tar")) as tar:
        for number, pixels in enumerate(pictures):
            file = io.BytesIO()
            kind = ("png", "webp")[number % 2]
            Image.fromarray(pixels).save(file, kind.upper(), lossless=True)
            tar.write({"__key__": f"{number:05d}", kind: file.getvalue()})
    ingest(str(tmp_path / "theirs"), str(tmp_path / "adopted"), IngestSpec(adopt=True, val_share=0.99), run_inline)
    photographs = Photographs(open_dataset(str(tmp_path / "adopted"), tmp_path / "cache"), "val", 40)
    assert len(photographs) >= 4
    expected = {cv2.resize(p, (40, 40), interpolation=cv2.INTER_AREA).tobytes() for p in pictures}
    assert {photographs.read(n)[1].tobytes() for n in range(len(photographs))} <= expected
