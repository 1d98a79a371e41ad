"""A training batch: images, masks and sample ids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SampleMap:
    """What the loader's threads compute of each sample, beside its picture and its mask.

    Attributes:
        channels: C of what `make` returns.
        dtype: uint8 for values of [0,1] times 255, or float32.
        make: of a picture (S,S,3) uint8 RGB and its mask (S,S) uint8, 255 = hole, to (C,S,S) of `dtype`. A pure function.
    """

    channels: int
    dtype: torch.dtype
    make: Callable[[UInt8, UInt8], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. The loader yields uint8 (a quarter of the bytes to move); `to` turns it into floats on the device.

    Attributes:
        image: (B,3,H,W); uint8 0..255 from the loader, float in [0,1] after `to`.
        mask: (B,1,H,W); uint8 0..255 from the loader (255 = hole), float in [0,1] after `to`, 1 = hole, 0 = known.
        ids: B sample ids, unique in the dataset.
        maps: (B,C,H,W) by name, what the loader's threads have computed of each sample (`System.sample_maps`); uint8 0..255
            or float32 from the loader, float32 after `to`.
    """

    image: torch.Tensor
    mask: torch.Tensor
    ids: tuple[str, ...]
    maps: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device, channels_last: bool) -> "Batch":
        """The batch as floats in [0,1] on `device`, copied without blocking where the memory is pinned."""
        layout = torch.channels_last if channels_last else torch.contiguous_format

        def convert(t: torch.Tensor) -> torch.Tensor:
            moved = t.to(device, non_blocking=True)
            if t.dtype == torch.float32:
                return moved.to(memory_format=layout)
            return moved.to(torch.float32, memory_format=layout).div_(255.0)

        return Batch(convert(self.image), convert(self.mask), self.ids, {n: convert(m) for n, m in self.maps.items()})

    def split(self, parts: int) -> list["Batch"]:
        """The batch in `parts` equal pieces, in order; its size must be a multiple of `parts`."""
        size = len(self) // parts
        cuts = [slice(i * size, (i + 1) * size) for i in range(parts)]
        return [Batch(self.image[c], self.mask[c], self.ids[c], {n: m[c] for n, m in self.maps.items()}) for c in cuts]
