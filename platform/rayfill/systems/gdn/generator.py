"""The generator that GDN, Weight and Adv share, with the contract that belongs to it (gdn, section 4.3)."""

from typing import Literal

from pydantic import Field
from torch import nn

from rayfill.models.edgeconnect import EdgeConnectGenerator
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract, Start


class GeneratorOptions(Spec):
    """Size and variant of the generator."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the paper")
    blocks: int = Field(ge=0, le=64, description="residual blocks; 8 in the paper")
    dilate: Literal["first", "both"] = Field(
        description="which convolutions of a block are dilated: code 'first', paper 'both'"
    )


def build_generator(options: GeneratorOptions) -> EdgeConnectGenerator:
    """RGB + mask in, RGB out, Xavier-initialised as GDN's code does."""
    generator = EdgeConnectGenerator(4, 3, options.width, options.blocks, options.dilate)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_normal_(module.weight)
    return generator


def generator_contract(start: Start) -> ImageContract:
    """[0,1] in and out, white holes (gdn, section 3.1: I_in = I_gt (1-M) + M) where `start` is constant, multiples of 4."""
    return ImageContract(value_range="zero_one", hole_fill=1.0, multiple=4, min_side=16, mask="required", start=start)
