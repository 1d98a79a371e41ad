"""A random generator from a key: the same on any worker, in any order, as often as it is asked for."""

import hashlib
import json

import numpy as np

Key = tuple[int | str, ...]


def generator(key: Key) -> np.random.Generator:
    """A random generator that depends on the key alone, whatever the process, platform or hash seed."""
    text = json.dumps(key, ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
