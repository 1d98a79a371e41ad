"""A stored JPEG to a training image and its mask, three ways. All shrink or grow the shorter side to the size, crop and flip.

    ours         simplejpeg and OpenCV: the loader's own `decode_square`
    torchvision  `decode_jpeg` and transforms v2 on uint8 tensors, the quickest that torchvision documents
    PIL          Pillow and transforms v2 on its images, what most tutorials show

The mask is drawn by the loader's own `draw_levels` each time, in the same worker.
"""

import io
import random
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import v2

from benchmarks.loader.contestant import SEED, SIZE
from rayfill.data.augment import draw_augmentation
from rayfill.data.images.decode import decode_square
from rayfill.masks.draw import draw_levels
from rayfill.spec.loading.document import load_spec
from rayfill.spec.masks import MaskMix
from rayfill.spec.recipe import Images, Recipe

RECIPE = Path(__file__).parents[2] / "jobs" / "recipes" / "gdn.yaml"
IMAGES = Images(size=SIZE, resize="crop", flip=True, shrink="linear")

Sample = tuple[torch.Tensor, torch.Tensor]
"""image (3,S,S) and mask (1,S,S), both uint8."""


@cache
def masks() -> MaskMix:
    """The masks that all contestants draw: those of GDN's recipe."""
    return load_spec(RECIPE, Recipe).masks


def square(name: str, jpeg: bytes, decoder: str) -> Sample:
    """The sample of a photograph, cropped and mirrored by chance."""
    cv2.setNumThreads(0)  # in whichever process this is: there is one a core
    mask = draw_levels(masks(), SIZE, SIZE, (SEED, random.getrandbits(32), name))
    return _DECODERS[decoder](name, jpeg), torch.from_numpy(mask)[None]


def collate(samples: list[Sample]) -> Sample:
    """A batch of samples."""
    return torch.stack([image for image, _ in samples]), torch.stack([mask for _, mask in samples])


def _ours(name: str, jpeg: bytes) -> torch.Tensor:
    out = np.empty((SIZE, SIZE, 3), np.uint8)
    decode_square(jpeg, IMAGES, draw_augmentation(IMAGES, SEED, random.getrandbits(32), name), out)
    return torch.from_numpy(out).permute(2, 0, 1)


def _torchvision(_: str, jpeg: bytes) -> torch.Tensor:
    pixels = decode_jpeg(torch.frombuffer(bytearray(jpeg), dtype=torch.uint8), ImageReadMode.RGB)
    image: torch.Tensor = _transform()(pixels)
    return image


def _pil(_: str, jpeg: bytes) -> torch.Tensor:
    with Image.open(io.BytesIO(jpeg)) as opened:
        image: torch.Tensor = v2.functional.pil_to_tensor(_transform()(opened.convert("RGB")))
    return image


@cache
def _transform() -> Any:
    return v2.Compose([v2.Resize(SIZE), v2.RandomCrop(SIZE), v2.RandomHorizontalFlip()])


_DECODERS = {"ours": _ours, "torchvision": _torchvision, "PIL": _pil}
