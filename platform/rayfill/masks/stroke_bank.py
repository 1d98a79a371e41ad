"""Irregular holes from a bank: each is drawn once by the pen, and used again turned and mirrored.

The pen (irregular.py) takes about as long as decoding the photograph. Mask number i of a bucket is drawn by it from a key of
its own, when it is first asked for, and is kept as bits. A sample's mask is one of them in one of its eight turns and
reflections (four where the picture is not square): a function of the sample's key alone, with the pen's distribution, which
has no preferred direction and the same border on all sides.
"""

import numpy as np
import numpy.typing as npt

from rayfill.masks.irregular import draw_in_bucket
from rayfill.masks.random_key import generator

UInt8 = npt.NDArray[np.uint8]

BANK_BYTES = 64 * 2**20
"""Most memory of the masks of one picture size in a process, over all buckets."""
BUCKETS = 6
MOST_MASKS = 2048
"""Of a bucket, where the bytes allow more: 16,384 with turns and reflections; GDN's set has 30,000."""

_banks: dict[tuple[int, int, str], list[UInt8 | None]] = {}
# Threads may draw the same mask at once; they draw the same bits, so it does not matter whose are kept.


def bank_masks(height: int, width: int) -> int:
    """How many masks the bank has of each bucket."""
    return max(1, min(MOST_MASKS, BANK_BYTES // (BUCKETS * -(-height * width // 8))))


def draw_from_bank(bucket: str, height: int, width: int, rng: np.random.Generator) -> UInt8:
    """(height, width) uint8, 1 = hole: a mask of a bucket."""
    count = bank_masks(height, width)
    number, turn = int(rng.integers(count)), int(rng.integers(8 if height == width else 4))
    bank = _banks.setdefault((height, width, bucket), [None] * count)
    bits = bank[number]
    if bits is None:
        bits = np.packbits(draw_in_bucket(bucket, height, width, generator(("bank", height, width, bucket, number))))
        bank[number] = bits
    mask = np.unpackbits(bits, count=height * width).reshape(height, width)
    if turn & 1:
        mask = mask[::-1]
    if turn & 2:
        mask = mask[:, ::-1]
    return np.ascontiguousarray(mask.T if turn & 4 else mask)
