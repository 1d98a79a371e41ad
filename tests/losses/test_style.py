"""Style distance against the paper's sums, place by place in float64."""

import torch

from rayfill.losses.style import style_distance


def literal(real: torch.Tensor, fake: torch.Tensor) -> float:
    """One layer, one image: (C,H,W) each (Liu et al. 2018, eq. 4)."""
    channels, height, width = real.shape
    total = 0.0
    for a in range(channels):
        for b in range(channels):
            products = [float((f[a].double() * f[b].double()).sum()) for f in (fake, real)]
            total += abs((products[0] - products[1]) / (channels * height * width))
    return total / channels**2


def test_style_distance_sums_layers_and_averages_images() -> None:
    generator = torch.Generator().manual_seed(0)
    real = [torch.randn(2, 3, 4, 5, generator=generator), torch.randn(2, 5, 2, 3, generator=generator)]
    fake = [torch.randn(r.shape, generator=generator) for r in real]
    expected = sum(sum(literal(r[i], f[i]) for i in range(2)) / 2 for r, f in zip(real, fake, strict=True))
    assert abs(style_distance(real, fake).item() - expected) < 1e-6


def test_style_distance_is_invariant_to_positions() -> None:
    features = torch.rand(1, 3, 4, 4)
    assert style_distance([features], [features.flip(-1)]).item() < 1e-6


def test_under_autocast_the_sums_are_float32() -> None:
    real, fake = [torch.rand(1, 4, 64, 64)], [torch.rand(1, 4, 64, 64)]
    exact = style_distance(real, fake)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(style_distance(real, fake), exact)
