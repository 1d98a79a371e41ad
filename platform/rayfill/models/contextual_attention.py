"""Contextual attention: features of the hole are rebuilt from patches of the known picture (Yu et al. 2018, section 4.1).

The public code takes one mask for the whole batch and loops over its images; here every image has its own mask and the
batch is one matrix product.
"""

import torch
from torch.nn import functional

from rayfill.models.full_precision import full_precision

RATE = 2
"""Matching runs at 1/RATE of the features' size; what is pasted are patches of 2 * RATE at full size."""
PATCH = 3
SOFTMAX_SCALE = 10.0
LEAST_NORM = 1e-4


def contextual_attention(features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Rebuild every place of `features` as a mixture of the known patches similar to it.

    Args:
        features: (B,C,H,W), H and W even; each is its own background.
        mask: (B,1,H,W), at least 0, one per image. A patch can be pasted only where its mask is exactly 0 throughout.

    Returns:
        (B,C,H,W) float32; all zeros for an image without a known patch.

    A patch with holes scores 0 before the softmax and 0 behind it, as in the public code, so it still takes e^0 of the
    softmax's mass: where nothing known looks alike, the answer fades instead of pasting something at random. The matrix of
    similarities has (HW / 4)^2 floats per image, 4 MB for a 256 px picture whose features are at a quarter of its size and
    1 GB for 1024 px; without a graph three of them exist at once. In float32: bf16 leaves scores of 100 in steps of a half.
    """
    height, width = features.shape[-2:]
    with full_precision(features.device):
        features = features.float()
        small = features[..., ::RATE, ::RATE]
        patches = functional.unfold(small, PATCH, padding=PATCH // 2)
        norm = torch.linalg.vector_norm(patches, dim=1, keepdim=True).clamp_min(LEAST_NORM)
        scores = _fuse(patches.transpose(1, 2) @ (patches / norm), small.shape[-2], small.shape[-1])
        known = _known_patches(mask)
        attention = (scores * (SOFTMAX_SCALE * known)).softmax(dim=2) * known
        raw = functional.unfold(features, 2 * RATE, stride=RATE, padding=RATE // 2)
        pasted = raw @ attention.transpose(1, 2)
        # Four patches overlap at every place, but for the outermost ones.
        return functional.fold(pasted, (height, width), 2 * RATE, stride=RATE, padding=RATE // 2) / 4


def _known_patches(mask: torch.Tensor) -> torch.Tensor:
    """(B,1,N) of 0 and 1: whether the mask is 0 all over the patch."""
    small = functional.max_pool2d(mask.float(), RATE)
    return (functional.max_pool2d(small, PATCH, stride=1, padding=PATCH // 2) == 0).float().flatten(2)


def _fuse(scores: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(B,N,N) similarities, query by patch, each summed with those of the neighbours of both, along rows, then along columns.

    Neighbouring places thereby favour neighbouring patches. As in the public code a row's end neighbours the next one's start.
    """
    batch, places, _ = scores.shape
    for rows, columns in ((height, width), (width, height)):
        by_place = _diagonal_sum(scores).view(batch, rows, columns, rows, columns)
        scores = by_place.permute(0, 2, 1, 4, 3).reshape(batch, places, places)
    return scores


def _diagonal_sum(scores: torch.Tensor) -> torch.Tensor:
    # In place, because at a megapixel each of these tables is a gigabyte.
    out = scores.clone()
    out[:, 1:, 1:] += scores[:, :-1, :-1]
    out[:, :-1, :-1] += scores[:, 1:, 1:]
    return out
