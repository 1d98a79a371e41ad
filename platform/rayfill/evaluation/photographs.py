"""Photographs of an evaluation protocol, resized to its square size."""

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.data.dataset import Dataset
from rayfill.data.images.decode import decode
from rayfill.data.images.untrusted import InvalidImage
from rayfill.spec.dataset import Split
from rayfill.spec.errors import InputError


class Photographs:
    """The first photographs of a split, by number, squashed to a square whatever their aspect ratio, as GDN does."""

    def __init__(self, dataset: Dataset, split: Split, size: int, limit: int | None = None) -> None:
        """`size` in pixels; `limit`: at most so many, None for all. InputError if the split is empty."""
        dataset.shards(split)
        self._dataset = dataset
        self._split = split
        self._size = size
        self._count = min(dataset.len_of(split), limit or dataset.len_of(split))

    def __len__(self) -> int:
        return self._count

    def read(self, number: int) -> tuple[str, npt.NDArray[np.uint8]]:
        """Id and picture, (size, size, 3) uint8 RGB: decoded in full, shrunk by area averaging or grown linearly.

        Training may let the JPEG decoder shrink first; here every pixel counts, because the result is what answers are
        measured against. InputError if the sample is not a sound picture.
        """
        name, data = self._dataset.read(self._split, number)
        try:
            pixels = decode(data)
        except InvalidImage as error:
            raise InputError(f"{self._dataset.store.url}: sample '{name}' of '{self._split}' {error}") from None
        shrinking = max(pixels.shape[:2]) > self._size
        side = (self._size, self._size)
        square = cv2.resize(pixels, side, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
        return name, np.asarray(square, np.uint8)
