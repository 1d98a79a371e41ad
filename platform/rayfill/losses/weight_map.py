"""Map the detector's output V to weights of the reconstruction loss (gdn, section 3.4.3)."""

from typing import Annotated, Literal

import torch
from pydantic import Field

from rayfill.spec.base import Spec


class Linear(Spec):
    """W = 1 + V, in [1, 2]."""

    kind: Literal["linear"]

    def __call__(self, valuation: torch.Tensor) -> torch.Tensor:
        return 1 + valuation


class Exponential(Spec):
    """W = x^V, in [1, x]; the paper's default base x is 10."""

    kind: Literal["exponential"]
    base: float = Field(gt=1, le=1000, description="x, greater than 1; e and 10 in the paper")

    def __call__(self, valuation: torch.Tensor) -> torch.Tensor:
        return torch.pow(self.base, valuation)


WeightMap = Annotated[Linear | Exponential, Field(discriminator="kind")]
