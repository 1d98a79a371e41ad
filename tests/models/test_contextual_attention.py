"""Contextual attention against a loop over places in float64, and what the mask of each image does."""

import numpy as np
import numpy.typing as npt
import torch

from rayfill.models.contextual_attention import contextual_attention

Array = npt.NDArray[np.float64]


def patch(picture: Array, top: int, left: int, side: int) -> Array:
    """(C,side,side) of `picture` from (top, left), zeros outside."""
    out = np.zeros((picture.shape[0], side, side))
    for y in range(side):
        for x in range(side):
            if 0 <= top + y < picture.shape[1] and 0 <= left + x < picture.shape[2]:
                out[:, y, x] = picture[:, top + y, left + x]
    return out


def literal(features: Array, mask: Array) -> Array:
    """One image, (C,H,W) and (H,W), place by place as in Yu et al. 2018, section 4.1, and its code."""
    small = features[:, ::2, ::2]
    small_mask = np.maximum.reduce([mask[y::2, x::2] for y in (0, 1) for x in (0, 1)])
    height, width = small.shape[1:]
    places = [(y, x) for y in range(height) for x in range(width)]
    n = len(places)
    score = np.zeros((n, n))
    for q, (qy, qx) in enumerate(places):
        seen = patch(small, qy - 1, qx - 1, 3)
        for p, (py, px) in enumerate(places):
            candidate = patch(small, py - 1, px - 1, 3)
            score[q, p] = (seen * candidate).sum() / max(np.sqrt((candidate**2).sum()), 1e-4)

    def fused(table: Array, order: list[int]) -> Array:
        out = np.zeros_like(table)
        for q in range(n):
            for p in range(n):
                for shift in (-1, 0, 1):
                    if 0 <= q + shift < n and 0 <= p + shift < n:
                        out[order[q], order[p]] += table[order[q + shift], order[p + shift]]
        return out

    by_columns = sorted(range(n), key=lambda i: (places[i][1], places[i][0]))
    score = fused(fused(score, list(range(n))), by_columns)
    known = np.array([patch(small_mask[None], y - 1, x - 1, 3).mean() == 0 for y, x in places], dtype=float)
    out = np.zeros_like(features)
    for q, (qy, qx) in enumerate(places):
        exponents = np.exp(10 * score[q] * known)
        attention = exponents / exponents.sum() * known
        pasted = sum(attention[p] * patch(features, 2 * py - 1, 2 * px - 1, 4) for p, (py, px) in enumerate(places))
        for y in range(4):
            for x in range(4):
                ty, tx = 2 * qy - 1 + y, 2 * qx - 1 + x
                if 0 <= ty < out.shape[1] and 0 <= tx < out.shape[2]:
                    out[:, ty, tx] += pasted[:, y, x]
    return out / 4


def some_features(batch: int = 3, scale: float = 0.3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return scale * torch.rand(batch, 3, 8, 12, generator=generator)


def some_masks() -> torch.Tensor:
    mask = torch.zeros(3, 1, 8, 12)
    mask[0, :, 2:5, 2:5] = 1
    mask[1, :, :, 7:] = 1
    mask[2, :, 4, 6] = 0.25
    return mask


def test_every_image_is_attended_to_with_its_own_mask() -> None:
    features, mask = some_features(), some_masks()
    answer = contextual_attention(features, mask)
    for i in range(3):
        expected = literal(features[i].double().numpy(), mask[i, 0].double().numpy())
        np.testing.assert_allclose(answer[i].numpy(), expected, rtol=2e-4, atol=2e-5)


def test_an_image_s_answer_does_not_depend_on_its_batch() -> None:
    features, mask = some_features(), some_masks()
    together = contextual_attention(features, mask)
    for i in range(3):
        torch.testing.assert_close(contextual_attention(features[i : i + 1], mask[i : i + 1])[0], together[i])


def test_nothing_is_pasted_from_a_patch_that_touches_a_hole() -> None:
    features = some_features(1)
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 6:] = 1
    # Half-size columns 0 and 1 have known patches; what they paste ends at full-size column 4.
    answer = contextual_attention(features, mask)
    features[..., 5:] = 9.0
    assert answer[..., 6:].abs().sum() > 0
    assert contextual_attention(features, mask).max() <= features[..., :5].max()


def test_without_a_known_patch_the_answer_is_zero_and_its_gradient_finite() -> None:
    features = some_features(2).requires_grad_()
    mask = torch.ones(2, 1, 8, 12)
    mask[1] = 1e-3
    answer = contextual_attention(features, mask)
    answer.sum().backward()
    assert features.grad is not None
    assert (answer == 0).all()
    assert features.grad.isfinite().all()


def test_features_that_are_zero_everywhere_have_a_finite_gradient() -> None:
    features = torch.zeros(1, 3, 8, 12, requires_grad=True)
    contextual_attention(features, some_masks()[:1]).sum().backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_under_autocast_it_still_computes_in_float32() -> None:
    features, mask = some_features(), some_masks()
    with torch.autocast("cpu", torch.bfloat16):
        low = contextual_attention(features, mask)
    assert torch.equal(low, contextual_attention(features, mask))
