"""A protocol file: how models are measured, for `rayfill evaluate --protocol FILE`."""

from typing import Literal

from pydantic import Field, field_validator

from rayfill.spec.base import Spec
from rayfill.spec.buckets import check_buckets
from rayfill.spec.masks import ALL_BUCKETS, MaskFamily, MaskSetSpec

Geometry = Literal["squash", "crop"]


class ProtocolMasks(Spec):
    """The masks of a protocol: made once from the seed, as a mask set that is called after the protocol and its size."""

    families: tuple[MaskFamily, ...] = Field(min_length=1, description="mask i of a bucket is of family i modulo their number")
    seed: int = Field(ge=0)
    per_bucket: int = Field(ge=1, le=100_000, description="photograph i gets mask i modulo this number")
    buckets: tuple[str, ...] = Field(ALL_BUCKETS, description="hole-ratio buckets, those that the families can fill")

    _known = field_validator("buckets")(check_buckets)


class Reported(Spec):
    """One column of a paper's table."""

    metric: str
    area: Literal["whole", "hole"] = "whole"
    form: Literal["composited", "raw"] = "composited"


class ProtocolSpec(Spec):
    """How photographs are prepared, which masks break them, and what is reported."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$", description="the mask set is called NAME-SIZE")
    about: str = Field("", description="whose protocol it is, and where it departs from theirs")
    size: int | None = Field(None, ge=16, le=2048, description="side in pixels; null: the size that the model was trained at")
    geometry: Geometry = Field(
        description="squash: the whole photograph, whatever its shape, resized to the square; crop: a square of that size from "
        "its middle, at the photograph's own resolution (grown to fit where the photograph is smaller)"
    )
    masks: ProtocolMasks
    report: tuple[Reported, ...] = Field((), description="the columns of the printed table; empty: rayfill's own")

    def mask_set(self, size: int) -> MaskSetSpec:
        """The mask set of this protocol at `size` pixels."""
        first, *more = self.masks.families
        return MaskSetSpec(
            name=f"{self.name}-{size}",
            family=first,
            also=tuple(more),
            seed=self.masks.seed,
            size=size,
            per_bucket=self.masks.per_bucket,
            buckets=self.masks.buckets,
        )
