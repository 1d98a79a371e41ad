"""A release rule: which numbers a challenger's scorecard must show before an alias moves to it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from rayfill.spec.base import Spec
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import nearest

ALL = "all"
"""The mean over the images of all buckets."""

Area = Literal["whole", "hole"]
Form = Literal["composited", "raw"]
Bound = Annotated[float, Field(ge=0)]


class Guard(Spec):
    """A further metric in which a challenger must not be worse than the champion, over all buckets."""

    metric: str
    area: Area
    form: Form
    max_regression: Bound = Field(description="how much worse than the champion over all buckets, in the metric's unit")


class Latency(Spec):
    """How long one picture may take, by the median of rounds in which challenger and champion take turns."""

    size: int = Field(ge=16, le=4096, description="side of the square picture in pixels; half of it is hole")
    max_ms: float | None = Field(None, gt=0, description="at most so many milliseconds; null: only beside the champion")
    max_ratio: float | None = Field(None, gt=0, description="at most so many times the champion's; null: no such bound")


class Memory(Spec):
    """How much memory filling one picture may take: of the whole process on a CPU, of tensors on a GPU."""

    size: int = Field(ge=16, le=4096, description="side of the square picture in pixels; half of it is hole")
    max_mib: float | None = Field(None, gt=0)
    max_ratio: float | None = Field(None, gt=0, description="at most so many times the champion's; null: no such bound")


class Release(Spec):
    """The gate of one alias, as `jobs/releases/*.yaml` write it. A rule that is left out is not asked for."""

    metric: str = Field(description="a metric of the scorecard, such as psnr or ssim; whether more is better is its own")
    area: Area
    form: Form
    max_regression: dict[str, Bound] = Field(
        description="how much worse than the champion a challenger may be, in the metric's unit, by bucket; 'all' must be there"
    )
    baseline: Literal["best_classical", "harmonic", "navier_stokes", "telea", "mean_fill"] = Field(
        description="the method that a model must beat over all buckets; best_classical: each of them"
    )
    confidence: float | None = Field(
        None, ge=0.5, lt=1, description="with which bounds must hold for other photographs, too; null: means alone are compared"
    )
    min_gain: Bound | None = Field(
        None, description="a challenger must be better than the champion by more than this in some bucket, in the metric's unit"
    )
    guards: tuple[Guard, ...] = ()
    worst_slice: Bound | None = Field(
        None, description="refuse what is shown to be worse than the champion by more than this in a slice; needs confidence"
    )
    known_pixels: bool = Field(False, description="known pixels of composited answers must be the photograph's, bit for bit")
    odd_masks: bool = Field(
        False, description="odd masks and sizes must be answered: nothing to fill, all, one pixel, thin lines"
    )
    device: Literal["cpu", "cuda"] | None = Field(None, description="the target hardware: latency and memory count only there")
    latency: Latency | None = None
    memory: Memory | None = None
    licences: tuple[str, ...] | None = Field(
        None, description="allowed licences of the data that it was trained on, as `rayfill data licence` tells them"
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

    @property
    def probes(self) -> bool:
        """Whether a rule asks for the model itself, beside its scorecard."""
        return self.odd_masks or self.latency is not None or self.memory is not None
