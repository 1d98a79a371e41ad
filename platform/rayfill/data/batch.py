"""A training batch: images, masks and sample ids."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. The loader yields uint8 (a quarter of the bytes to move); `to` turns it into floats on the device.

    Attributes:
        image: (B,3,H,W); uint8 0..255 from the loader, float in [0,1] after `to`.
        mask: (B,1,H,W); uint8 0..255 from the loader (255 = hole), float in [0,1] after `to`, 1 = hole, 0 = known.
        ids: B sample ids, unique in the dataset.
    """

    image: torch.Tensor
    mask: torch.Tensor
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device, channels_last: bool) -> "Batch":
        """The batch as floats in [0,1] on `device`, copied without blocking where the memory is pinned."""
        layout = torch.channels_last if channels_last else torch.contiguous_format

        def convert(t: torch.Tensor) -> torch.Tensor:
            moved = t.to(device, non_blocking=True)
            return moved.to(torch.float32, memory_format=layout).div_(255.0)

        return Batch(convert(self.image), convert(self.mask), self.ids)

    def split(self, parts: int) -> list["Batch"]:
        """The batch in `parts` equal pieces, in order; its size must be a multiple of `parts`."""
        size = len(self) // parts
        cuts = [slice(i * size, (i + 1) * size) for i in range(parts)]
        return [Batch(self.image[c], self.mask[c], self.ids[c]) for c in cuts]
