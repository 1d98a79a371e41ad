"""Random numbers as a function of (seed, step, rank), so that a resumed run needs no saved generator state."""

import hashlib

import torch


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from the parts; equal parts give equal seeds on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def seed_step(seed: int, step: int, rank: int, rollbacks: int) -> None:
    """Seed torch (CPU and GPU) for one step of one worker; others after each rollback, so that not the same happens again."""
    torch.manual_seed(seed_of(seed, step, rank, *([rollbacks] if rollbacks else [])))
