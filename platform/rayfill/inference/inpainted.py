"""The result of inpainting one picture."""

from dataclasses import dataclass, field

from rayfill.inference.composite import UInt8


@dataclass(frozen=True)
class Inpainted:
    """A filled picture.

    Attributes:
        composited: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        raw: (H,W,3) uint8, the model's picture everywhere; of a picture that was filled in tiles, only in the holes.
        mask: (H,W) uint8, 255 = hole: the given one, or the one that the model predicted.
        maps: (H,W) uint8 maps by name, 255 = 1.0; none where the picture was filled in tiles.
        scale: the smallest scale at which anything was filled, relative to the picture's own; 1.0 where all was filled at it.
    """

    composited: UInt8
    raw: UInt8
    mask: UInt8
    maps: dict[str, UInt8] = field(default_factory=dict)
    scale: float = 1.0
