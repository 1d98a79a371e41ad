"""Photographs of an evaluation protocol, resized to its square size."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.data.dataset import Dataset
from rayfill.data.images.decode import decode
from rayfill.data.images.untrusted import InvalidImage
from rayfill.spec.dataset import Split
from rayfill.spec.errors import InputError
from rayfill.spec.protocol import Geometry


@dataclass(frozen=True)
class Photograph:
    """A photograph of a protocol.

    Attributes:
        name: its id in the dataset.
        pixels: (size, size, 3) uint8 RGB.
        side: the shorter side of the photograph itself, in pixels.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    side: int


class Photographs:
    """The first photographs of a split, by number: squashed to a square whatever their shape, as GDN does, or cut out."""

    def __init__(
        self, dataset: Dataset, split: Split, size: int, limit: int | None = None, geometry: Geometry = "squash"
    ) -> None:
        """`size` in pixels; `limit`: at most so many, None for all. InputError if the split is empty."""
        dataset.shards(split)
        self.dataset = dataset
        self._split: Split = split
        self._size = size
        self._geometry = geometry
        self._count = min(dataset.len_of(split), limit or dataset.len_of(split))

    def __len__(self) -> int:
        return self._count

    def names(self) -> list[str]:
        """Ids of all, in order; no picture is read."""
        return [self.dataset.id_of(self._split, number) for number in range(self._count)]

    def metadata(self, number: int) -> dict[str, str]:
        """What stands beside a photograph in shards that others wrote; empty for ours."""
        return self.dataset.metadata(self._split, number)

    def read(self, number: int) -> tuple[str, npt.NDArray[np.uint8]]:
        """Id and pixels of a photograph, as `load` has them."""
        found = self.load(number)
        return found.name, found.pixels

    def load(self, number: int) -> Photograph:
        """A photograph as every method sees it: decoded in full, shrunk by area averaging or grown linearly.

        Training may let the JPEG decoder shrink first; here every pixel counts, because the result is what answers are
        measured against. InputError if the sample is not a sound picture.
        """
        name, data = self.dataset.read(self._split, number)
        try:
            pixels = decode(data)
        except InvalidImage as error:
            raise InputError(f"{self.dataset.store.url}: sample '{name}' of '{self._split}' {error}") from None
        side = min(pixels.shape[:2])
        if self._geometry == "crop":
            return Photograph(name, _middle(pixels, self._size), side)
        return Photograph(name, _resize(pixels, self._size, self._size), side)


def _middle(pixels: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        scale = size / min(height, width)
        height, width = max(size, round(height * scale)), max(size, round(width * scale))
        pixels = _resize(pixels, height, width)
    top, left = (height - size) // 2, (width - size) // 2
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def _resize(pixels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    shrinking = max(pixels.shape[:2]) > max(height, width)
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)
