"""Sample id and split of a photograph, both from the hash of its bytes."""

import hashlib

from rayfill.spec.dataset import Split

ID_DIGITS = 16


def sample_id(data: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a photograph's own bytes: a copy has the same id wherever it lies."""
    return hashlib.sha256(data).hexdigest()[:ID_DIGITS]


def split_of(sample: str, val_share: float) -> Split:
    """The split of a sample, from its id alone: a photograph does not change sides when unlike ones come or go."""
    return "val" if int(sample, 16) < val_share * 16**ID_DIGITS else "train"
