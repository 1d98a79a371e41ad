"""Random crop, flip and colours of a sample, as a function of seed, epoch and sample id."""

import hashlib
from dataclasses import dataclass

from rayfill.spec.recipe import Images

_FURTHER = 7
"""Random numbers beside the two that every sample has: across, area, aspect and four of colour."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What chance decides about one sample. The recipe says what is made of it.

    Attributes:
        down, across: in [0, 1), where the crop lies; equal where it can move along the longer side only.
        mirrored: whether left and right change places.
        area, aspect: in [0, 1), where in their ranges a random crop's area and shape lie.
        color: in [-1, 1), how far brightness, contrast, saturation and hue change, as shares of the recipe's bounds.
    """

    down: float
    across: float
    mirrored: bool
    area: float = 0.0
    aspect: float = 0.0
    color: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def draw_augmentation(images: Images, seed: int, epoch: int, sample_id: str) -> Augmentation:
    """The augmentation of a sample in an epoch, each number uniform in its range, mirrored one time in two if asked for.

    A function of its arguments alone, so a sample looks the same on whichever worker or thread it lands.
    """
    text = f"{seed}/{epoch}/{sample_id}".encode()
    digest = hashlib.blake2b(text, digest_size=9).digest()
    where, mirrored = _uniform(digest[:8]), bool(digest[8] & 1) and images.flip
    if images.resize in ("squash", "crop") and images.jitter is None:
        return Augmentation(where, where, mirrored)
    further = hashlib.blake2b(text, digest_size=8 * _FURTHER).digest()
    across, area, aspect, *color = (_uniform(further[8 * i : 8 * i + 8]) for i in range(_FURTHER))
    brightness, contrast, saturation, hue = (2 * value - 1 for value in color)
    if images.resize in ("squash", "crop"):
        across = where
    return Augmentation(where, across, mirrored, area, aspect, (brightness, contrast, saturation, hue))


def _uniform(eight: bytes) -> float:
    return (int.from_bytes(eight, "little") >> 11) / 2**53
