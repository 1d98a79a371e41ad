"""Recipe options of informed-mask: its networks, and the damage that they train on."""

from typing import Literal, Self

from pydantic import Field, model_validator

from rayfill.spec.base import Spec
from rayfill.systems.gated import GatedCriticOptions, GatedGeneratorOptions
from rayfill.systems.gdn.generator import GeneratorOptions
from rayfill.systems.informed_mask.corruption import Damage
from rayfill.systems.start_options import StartOptions


class MaskPredictorOptions(Spec):
    """The U-Net's size."""

    width: int = Field(ge=1, le=512, description="channels of the first level, doubled on each of three more; 64")


class EdgeCriticOptions(Spec):
    """The edge critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the paper")


class InformedMaskOptions(StartOptions):
    """Three networks, two critics, the damage and the edges."""

    mask_predictor: MaskPredictorOptions
    edge_predictor: GeneratorOptions
    edge_critic: EdgeCriticOptions
    inpainter: GatedGeneratorOptions
    inpaint_critic: GatedCriticOptions
    damage: tuple[Damage, ...] = Field(min_length=1, description="what may stand in damaged pixels; one kind a sample")
    canny_sigma: float = Field(gt=0, le=16, description="blur before edge detection, in pixels; 2 in EdgeConnect")
    known_edges: Literal["original", "damaged"] = Field(
        description="whose edges phases edge and inpaint know outside holes: original (EdgeConnect), damaged (as at inference)"
    )

    @model_validator(mode="after")
    def _starts_on_the_device(self) -> Self:
        if self.start_on == "loader":
            raise ValueError("start_on 'loader' does not go with this system: what surrounds a hole is drawn inside the step")
        return self
