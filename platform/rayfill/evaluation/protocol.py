"""Evaluation protocol: numbers may be compared if their protocols have one digest."""

from typing import Literal

from pydantic import Field

from rayfill.evaluation.baselines import DEFINITIONS
from rayfill.evaluation.metrics import METRICS, Metric
from rayfill.masks.mask_set import MaskSet
from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256, Split
from rayfill.spec.protocol import Geometry


class Protocol(Spec):
    """How a scorecard was made. Nothing of the model is in here, and nothing of where files lie."""

    version: Literal["rayfill-protocol-1", "rayfill-protocol-2"] = Field(
        description="changes with the code that computes the numbers"
    )
    dataset_digest: Sha256
    split: Split
    images: int = Field(ge=1, description="the first so many samples of the split, in the dataset's order")
    size: int = Field(ge=16, description="side in pixels of the square that photographs are brought to")
    # Left out where photographs are squashed, as all were before there was a choice.
    geometry: Geometry = Field(
        "squash", exclude_if=lambda value: value == "squash", description="squash: resized by area or linearly; crop: see there"
    )
    mask_set: str
    mask_set_digest: Sha256
    buckets: tuple[str, ...] = Field(description="photograph i gets mask i modulo the set's length of every bucket")
    metrics: tuple[Metric, ...]
    baselines: dict[str, str]


def make_protocol(masks: MaskSet, dataset_digest: str, images: int, geometry: Geometry = "squash") -> Protocol:
    """The protocol of the present code for a mask set and the first `images` photographs of a dataset's val split."""
    return Protocol(
        version="rayfill-protocol-2",
        dataset_digest=dataset_digest,
        split="val",
        images=images,
        size=masks.spec.size,
        geometry=geometry,
        mask_set=masks.spec.name,
        mask_set_digest=masks.digest,
        buckets=masks.spec.buckets,
        metrics=METRICS,
        baselines=DEFINITIONS,
    )
