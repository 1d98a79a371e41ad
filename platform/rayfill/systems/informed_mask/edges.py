"""Edge maps as EdgeConnect takes them: luminance, then scikit-image's Canny detector.

It runs on the CPU, picture by picture: of photographs on the loader's threads, of pictures that the step damages inside the
step, where a GPU waits for it (`python -m benchmarks.canny` says for how long).
"""

import numpy as np
import torch
from skimage.feature import canny

_LUMINANCE = (0.2125, 0.7154, 0.0721)


def luminance(image: torch.Tensor) -> torch.Tensor:
    """(B,1,H,W) from RGB (B,3,H,W), both in [0,1], with scikit-image's `rgb2gray` weights, as in EdgeConnect's code."""
    weights = image.new_tensor(_LUMINANCE).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True)


@torch.no_grad()
def edge_maps(gray: torch.Tensor, sigma: float, known: torch.Tensor | None = None) -> torch.Tensor:
    """(B,1,H,W) of 0 and 1, 1 = edge; no gradient flows through it.

    Args:
        gray: (B,1,H,W) in [0,1].
        sigma: deviation of the blur before the gradient, in pixels; 2 in EdgeConnect.
        known: (B,1,H,W) bool. Pixels outside are never looked at, and neither they nor their border are edges. None: all are.
    """
    pictures = gray.float().cpu().numpy()[:, 0]
    areas = [None] * len(pictures) if known is None else list(known.cpu().numpy()[:, 0])
    found = [canny(picture, sigma=sigma, mask=area) for picture, area in zip(pictures, areas, strict=True)]
    return torch.from_numpy(np.stack(found)[:, None]).to(gray.device, gray.dtype)
