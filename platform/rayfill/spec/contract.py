"""The image contract of a model: what it expects at its input and how its answer becomes a picture again."""

from typing import Literal

from pydantic import Field

from rayfill.spec.base import Spec

Start = Literal["constant", "mean", "harmonic"]
"""How holes are filled before a network sees them: one colour, the mean of the known pixels, or harmonic fill."""
ValueRange = Literal["zero_one", "minus_one_one", "imagenet"]


class ImageContract(Spec):
    """Stored with the weights, so that any caller feeds the model as it was trained.

    Callers always hand over an image in [0, 1] and a mask with 1 = hole; `rayfill.systems.network_input` turns both into what
    the networks see, in training and in inference.
    """

    value_range: ValueRange = Field(description="range of the network's input and output")
    hole_fill: float | tuple[float, float, float] = Field(
        description="`start: constant` puts this value, or red, green and blue, into holes; in value_range. GDN: 1.0, white"
    )
    start: Start | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="how holes are filled at the input; null in models older than the key, whose system says it",
    )
    multiple: int = Field(ge=1, le=256, description="height and width must be multiples of this; images are padded to it")
    min_side: int = Field(ge=1, description="smallest height and width the networks can take, in pixels")
    mask: Literal["required", "optional"] = Field(description="whether the model can work without a mask (blind)")
    fixed_side: int | None = Field(
        None, ge=1, le=4096, description="height and width that pictures are resized to and back, for networks of one size"
    )
    blend: Literal["paste", "poisson"] = Field(
        "paste", description="how holes are filled from the raw answer: as it is, or by its gradients (Perez et al. 2003)"
    )
    answers: Literal["one", "many"] = Field("one", description="whether the model can give several answers for one picture")
