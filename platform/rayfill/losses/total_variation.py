"""Total variation of the filled holes (Liu et al. 2018, eq. 6). In float32."""

import torch
from torch.nn import functional


def hole_variation(picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Absolute differences of pixels side by side and one above the other, summed over pairs that lie in the holes grown
    by one pixel, divided by the number of the picture's values.

    Args:
        picture: (B,C,H,W), the composited answer.
        mask: (B,1,H,W) of 0 and 1, 1 = hole.
    """
    grown = functional.max_pool2d(mask.float(), 3, stride=1, padding=1)
    picture = picture.float()
    across = (picture[..., 1:] - picture[..., :-1]).abs() * grown[..., 1:] * grown[..., :-1]
    down = (picture[..., 1:, :] - picture[..., :-1, :]).abs() * grown[..., 1:, :] * grown[..., :-1, :]
    return (across.sum() + down.sum()) / picture.numel()
