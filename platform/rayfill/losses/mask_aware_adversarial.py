"""LaMa's adversarial loss: only repaired patches count as fake (Suvorov et al., WACV 2022, section 2.3.1). In float32.

The critic sees the generator's raw output, whose known part is nearly the photograph; called fake, it would teach the critic to
look for differences that do not matter. The generator's side is the non-saturating loss over all patches: `generator_bce`.
"""

from typing import Literal

import torch
from torch.nn import functional

PatchLabel = Literal["touch", "nearest"]


def repaired_patches(mask: torch.Tensor, size: torch.Size | tuple[int, int], label: PatchLabel) -> torch.Tensor:
    """(B,1,h,w), 1 where a patch counts as repaired, for a mask (B,1,H,W) with 1 = hole and logits of h x w.

    A patch is a logit's share of the picture, H/h x W/w pixels, not the larger window that it sees. "touch" calls it repaired
    where any of its pixels is, as the paper says; "nearest" where one pixel of it is, the public code's default.
    """
    if label == "touch":
        return functional.adaptive_max_pool2d(mask.float(), tuple(size))
    return functional.interpolate(mask.float(), size=tuple(size), mode="nearest")


def mask_aware_critic(real: torch.Tensor, fake: torch.Tensor, repaired: torch.Tensor) -> torch.Tensor:
    """-log D(x) - m log(1 - D(G)) - (1 - m) log D(G), each averaged over batch and patches (eq. 3).

    Args:
        real, fake: (B,1,h,w) logits for photographs and for the generator's pictures.
        repaired: (B,1,h,w), m: 1 where a patch of the generator's picture counts as fake, 0 where as real.
    """
    real, fake = real.float(), fake.float()
    on_fakes = repaired * functional.softplus(fake) + (1 - repaired) * functional.softplus(-fake)
    return functional.softplus(-real).mean() + on_fakes.mean()
