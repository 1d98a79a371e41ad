"""Weight of known pixels in the latent search: higher the more hole is around (Yeh et al. 2017, section 3.2)."""

import torch
from torch.nn import functional


def importance_map(mask: torch.Tensor, window: int) -> torch.Tensor:
    """(B,1,H,W) in [0,1]: at a known pixel the hole's share of the `window` around it, in the hole 0.

    Beyond the border the mask goes on mirrored, the edge pixels doubled, as in the authors' public code.

    Args:
        mask: (B,1,H,W), 1 = hole.
        window: side in pixels, odd; its half must not exceed H or W.
    """
    radius = window // 2
    rows, columns = (_mirrored(side, radius, mask.device) for side in mask.shape[-2:])
    around = mask.float()[..., rows, :][..., columns]
    return (1 - mask.float()) * functional.avg_pool2d(around, window, stride=1)


def _mirrored(side: int, radius: int, device: torch.device) -> torch.Tensor:
    """Indices -radius .. side-1+radius, folded back at both ends."""
    index = torch.arange(-radius, side + radius, device=device)
    index = torch.where(index < 0, -1 - index, index)
    return torch.where(index >= side, 2 * side - 1 - index, index)
