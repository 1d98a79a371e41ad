"""Digest of the installed packages: what a run's numbers were computed with, beside its own code."""

import hashlib
from functools import lru_cache
from importlib import metadata


@lru_cache(maxsize=1)
def installed_digest() -> str:
    """SHA-256 over `name==version` of every package that is installed here, sorted; 64 hex digits."""
    found = {f"{one.metadata['Name'].lower()}=={one.version}" for one in metadata.distributions() if one.metadata["Name"]}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
