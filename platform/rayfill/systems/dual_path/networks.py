"""The sizes of the dual-path networks, and what builds them (dual-path, sections II.A to II.C)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from torch import nn

from rayfill.models.dual_path_encoder import DualPathEncoder, GaussianHead, level_widths
from rayfill.models.dual_path_generator import DualPathGenerator
from rayfill.models.patch_critic import PatchCritic
from rayfill.models.residual_critic import ResidualCritic
from rayfill.spec.base import Spec

Width = Annotated[int, Field(ge=1, le=512)]


class NetworkOptions(Spec):
    """Size of encoders and generators."""

    width: Width = Field(description="channels after the first halving; 32 in the line of the paper")
    deepest: Width = Field(description="most channels of a level; 128")
    levels: int = Field(ge=3, le=7, description="how often the picture is halved; 5: 256 px to 8")
    latent: int = Field(ge=1, le=1024, description="channels of the latent map; 128")
    prior_blocks: int = Field(ge=0, le=32, description="residual blocks in front of the prior; 6")
    scales: int = Field(ge=1, le=7, description="pictures that the generator paints, each twice the size of the one before; 4")
    spectral_norm: bool = Field(description="on every convolution of encoders and generators; true in the paper's generator")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.scales > self.levels:
            raise ValueError(f"scales {self.scales} is more than levels {self.levels}: each level paints one picture at most")
        return self

    def encoder(self) -> DualPathEncoder:
        """Fresh weights."""
        return DualPathEncoder(self.width, self.deepest, self.levels, self.spectral_norm)

    def head(self, blocks: int) -> GaussianHead:
        """Fresh weights of a head with so many blocks in front."""
        channels = level_widths(self.width, self.deepest, self.levels)[-1]
        return GaussianHead(channels, self.latent, blocks, self.spectral_norm)

    def generator(self) -> DualPathGenerator:
        """Fresh weights."""
        return DualPathGenerator(self.width, self.deepest, self.levels, self.latent, self.scales, self.spectral_norm)

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return int(2**self.levels)

    @property
    def min_side(self) -> int:
        """Smallest side: two places at the deepest level, where instance norm needs more than one."""
        return int(2 ** (self.levels + 1))


class PatchCriticOptions(Spec):
    """The paper's PatchGAN with strides 2, 2, 2, 1, 1: the 70x70 pixels that it names."""

    kind: Literal["patch"]
    width: Width = Field(description="channels after the first layer; 64")
    spectral_norm: bool = Field(description="besides the gradient penalty, which makes it redundant")

    @property
    def min_side(self) -> int:
        """Smallest side that leaves a logit."""
        return 32

    def build(self) -> nn.Module:
        """Fresh weights."""
        return PatchCritic(self.width, spectral=self.spectral_norm)


class ResidualCriticOptions(Spec):
    """The critic that the code of the paper's line uses."""

    kind: Literal["residual"]
    width: Width = Field(description="channels after the first halving; 32")
    deepest: Width = Field(description="most channels of a level; 128")
    levels: int = Field(ge=1, le=7, description="halvings; 5")
    spectral_norm: bool = Field(description="besides the gradient penalty, which makes it redundant")

    @property
    def min_side(self) -> int:
        """Smallest side that leaves a logit."""
        return int(3 * 2**self.levels)

    def build(self) -> nn.Module:
        """Fresh weights."""
        return ResidualCritic(self.width, self.deepest, self.levels, self.spectral_norm)


CriticOptions = Annotated[PatchCriticOptions | ResidualCriticOptions, Field(discriminator="kind")]
