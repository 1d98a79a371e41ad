"""The default mask set of an evaluation."""

from rayfill.spec.masks import Irregular, MaskSetSpec


def default_mask_set(size: int) -> MaskSetSpec:
    """`standard-<size>`: 500 irregular masks a bucket of `size` x `size` pixels, seed 2020 (the year of GDN)."""
    return MaskSetSpec(name=f"standard-{size}", family=Irregular(kind="irregular"), seed=2020, size=size, per_bucket=500)
