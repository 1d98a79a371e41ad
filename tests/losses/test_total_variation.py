"""Total variation of the holes against the paper's sum over pairs of pixels."""

import torch

from rayfill.losses.total_variation import hole_variation


def literal(picture: torch.Tensor, mask: torch.Tensor) -> float:
    """Liu et al. 2018, eq. 6, for one image: (C,H,W) and (H,W); R is the hole grown by one pixel."""
    _, height, width = picture.shape

    def in_region(y: int, x: int) -> bool:
        near = [(v, u) for v in (y - 1, y, y + 1) for u in (x - 1, x, x + 1) if 0 <= v < height and 0 <= u < width]
        return any(mask[v, u] == 1 for v, u in near)

    total = 0.0
    for y in range(height):
        for x in range(width):
            for v, u in ((y, x + 1), (y + 1, x)):
                if v < height and u < width and in_region(y, x) and in_region(v, u):
                    total += float((picture[:, v, u].double() - picture[:, y, x].double()).abs().sum())
    return total / picture.numel()


def test_total_variation_sums_over_pairs_inside_the_grown_hole() -> None:
    generator = torch.Generator().manual_seed(0)
    picture, mask = torch.rand(2, 3, 7, 9, generator=generator), torch.zeros(2, 1, 7, 9)
    mask[0, :, 2:4, 3:6] = 1
    mask[1, :, 0, 0] = 1
    mask[1, :, 6, 4] = 1
    expected = (literal(picture[0], mask[0, 0]) + literal(picture[1], mask[1, 0])) / 2
    assert abs(hole_variation(picture, mask).item() - expected) < 1e-6


def test_without_a_hole_there_is_nothing_to_smooth() -> None:
    assert hole_variation(torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)).item() == 0
