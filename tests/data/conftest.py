"""Photographs and datasets for the tests of data/."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest import ingest, run_inline
from rayfill.spec.dataset import IngestSpec


def picture(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    """(height, width, 3) uint8: a smooth random picture."""
    noise = np.random.default_rng(seed).uniform(0, 255, (6, 8, 3)).astype(np.float32)
    return np.ascontiguousarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8))


@pytest.fixture
def make_photographs() -> Callable[..., Path]:
    """`make_photographs(folder, count, first=0)` writes JPEGs of different pictures, some of them in a folder below."""

    def make(folder: Path, count: int, first: int = 0) -> Path:
        for seed in range(first, first + count):
            path = folder / ("below" if seed % 3 == 0 else "") / f"{seed:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(simplejpeg.encode_jpeg(picture(seed), colorspace="RGB"))
        return folder

    return make


@pytest.fixture
def dataset(tmp_path: Path, make_photographs: Callable[..., Path]) -> Dataset:
    """40 photographs of 80 x 60 pixels in about ten shards."""
    make_photographs(tmp_path / "photographs", 40)
    place = str(tmp_path / "dataset")
    ingest(str(tmp_path / "photographs"), place, IngestSpec(shard_mib=0.01, val_share=0.2), run_inline)
    return open_dataset(place, tmp_path / "cache")
