"""Named mask sets with a digest: numbers are comparable only when computed on the same masks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.masks.draw import draw_family
from rayfill.masks.random_key import generator
from rayfill.masks.resize import bucket_of_mask
from rayfill.spec.base import canonical_json
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.masks import Irregular, MaskFamily, MaskSetSpec

UInt8 = npt.NDArray[np.uint8]

_TRIES = 400
"""Masks drawn for each one kept before a family is said not to reach a bucket."""


@dataclass(frozen=True)
class MaskSet:
    """`spec.per_bucket` masks in each bucket, stored as bits: 8 KiB a mask at 256 pixels.

    Attributes:
        spec: what the set was made from.
        bits: (n, ceil(size*size/8)) uint8 by bucket name, rows as `numpy.packbits` makes them.
    """

    spec: MaskSetSpec
    bits: Mapping[str, UInt8]

    @property
    def digest(self) -> str:
        """SHA-256 over the spec and all pixels in order: independent of how the files are compressed."""
        pixels = hashlib.sha256()
        for bucket in self.bits:
            pixels.update(self.bits[bucket].tobytes())
        described = {"spec": self.spec.model_dump(mode="json"), "pixels": pixels.hexdigest()}
        return hashlib.sha256(canonical_json(described).encode()).hexdigest()

    def mask(self, bucket: str, index: int) -> UInt8:
        """Mask `index` modulo `per_bucket` of a bucket: (size, size) uint8, 1 = hole. The order never changes."""
        size = self.spec.size
        row = self.bits[bucket][index % self.spec.per_bucket]
        return np.unpackbits(row, count=size * size).reshape(size, size)

    def masks(self, bucket: str) -> list[UInt8]:
        """All masks of a bucket in order; InputError if there is no such bucket."""
        if bucket not in self.bits:
            raise InputError(f"mask set {self.spec.name}: no bucket '{bucket}'{nearest(bucket, self.bits)}")
        return [self.mask(bucket, i) for i in range(self.spec.per_bucket)]


def generate_mask_set(spec: MaskSetSpec) -> MaskSet:
    """Draw the set: every mask from (seed, bucket, number), so that a longer set begins with the shorter one's masks.

    Raises:
        InputError: the family makes no holes of some bucket.
    """
    bits = {}
    for bucket in BUCKETS:
        name = bucket_name(bucket)
        if name not in spec.buckets:
            continue
        rows = [np.packbits(_draw_in_bucket(spec, bucket, number)) for number in range(spec.per_bucket)]
        bits[name] = np.stack(rows)
    return MaskSet(spec, bits)


def _draw_in_bucket(spec: MaskSetSpec, bucket: tuple[float, float], number: int) -> UInt8:
    name = bucket_name(bucket)
    family = _towards(spec.family_of(number), name)
    rng = generator((spec.seed, name, number))
    for _ in range(_TRIES):
        mask = draw_family(family, spec.size, spec.size, rng)
        if bucket_of_mask(mask) == bucket:
            return mask
    raise InputError(
        f"mask set {spec.name}: family '{family.kind}' with these options makes no holes in bucket {name} "
        f"at {spec.size} pixels; family 'irregular' fills every bucket"
    )


def _towards(family: MaskFamily, bucket: str) -> MaskFamily:
    """The family aimed at a bucket where it can aim; the others are drawn until one fits."""
    return family.model_copy(update={"buckets": (bucket,)}) if isinstance(family, Irregular) else family


def encode_mask(mask: UInt8) -> bytes:
    """A mask as a one-bit PNG, white = hole."""
    _, data = cv2.imencode(".png", mask * np.uint8(255), [cv2.IMWRITE_PNG_BILEVEL, 1])
    return data.tobytes()


def decode_mask(png: bytes) -> UInt8 | None:
    """(H,W) uint8, 1 = hole, of a PNG, a pixel above half being a hole; None if it is not a picture."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if picture is None else (picture > 127).astype(np.uint8)
