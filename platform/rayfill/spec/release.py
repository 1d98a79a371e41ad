"""A release rule: which numbers a challenger's scorecard must show before an alias moves to it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from rayfill.spec.base import Spec
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import nearest

ALL = "all"
"""The mean over the images of all buckets."""


class Release(Spec):
    """The gate of one alias, as `jobs/releases/*.yaml` write it."""

    metric: str = Field(description="a metric of the scorecard, such as psnr or ssim; whether more is better is its own")
    area: Literal["whole", "hole"]
    form: Literal["composited", "raw"]
    max_regression: dict[str, Annotated[float, Field(ge=0)]] = Field(
        description="how much worse than the champion a challenger may be, in the metric's unit, by bucket; 'all' must be there"
    )
    baseline: Literal["best_classical", "harmonic", "navier_stokes", "telea", "mean_fill"] = Field(
        description="the method that a first champion must beat over all buckets; best_classical: every classical method"
    )

    @field_validator("max_regression")
    @classmethod
    def _known_buckets(cls, value: dict[str, float]) -> dict[str, float]:
        allowed = [ALL, *(bucket_name(b) for b in BUCKETS)]
        for bucket in value:
            if bucket not in allowed:
                raise ValueError(f"unknown bucket '{bucket}'{nearest(bucket, allowed)}")
        if ALL not in value:
            raise ValueError(f"'{ALL}' is missing; it bounds the mean over all buckets")
        return value
