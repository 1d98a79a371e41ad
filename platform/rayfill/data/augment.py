"""Random crop and flip of a sample, as a function of seed, epoch and sample id."""

import hashlib


def crop_and_flip(seed: int, epoch: int, sample_id: str) -> tuple[float, bool]:
    """Where along the longer side to crop, uniform in [0, 1), and whether to mirror, one time in two.

    A function of its arguments alone, so a sample looks the same on whichever worker or thread it lands.
    """
    digest = hashlib.blake2b(f"{seed}/{epoch}/{sample_id}".encode(), digest_size=9).digest()
    return (int.from_bytes(digest[:8], "little") >> 11) / 2**53, bool(digest[8] & 1)
