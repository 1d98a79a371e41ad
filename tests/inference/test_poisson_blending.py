"""Poisson blending: what it leaves alone, what it takes from either picture, and that it solves the equation it names."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rayfill.inference import poisson_blending
from rayfill.inference.poisson_blending import blend

UInt8 = npt.NDArray[np.uint8]


def noise(seed: int, height: int = 24, width: int = 31, low: int = 0, high: int = 256) -> UInt8:
    return np.random.default_rng(seed).integers(low, high, (height, width, 3), dtype=np.uint8)


def centre(height: int, width: int) -> UInt8:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return mask


def at_the_border(height: int, width: int) -> UInt8:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 1
    return mask


def many_components(height: int, width: int) -> UInt8:
    return (np.random.default_rng(5).random((height, width)) < 0.8).astype(np.uint8)


def all_but_a_corner(height: int, width: int) -> UInt8:
    mask = np.ones((height, width), np.uint8)
    mask[0, 0] = 0
    return mask


masks = pytest.mark.parametrize("shape", [centre, at_the_border, many_components, all_but_a_corner])
Shape = Callable[[int, int], UInt8]


def literal(picture: UInt8, raw: UInt8, mask: UInt8) -> npt.NDArray[np.float64]:
    """Perez et al., equation 7, row by row into a dense matrix: sum over neighbours of f_p - f_q = sum of g_p - g_q."""
    height, width = mask.shape
    hole = [(y, x) for y in range(height) for x in range(width) if mask[y, x]]
    number = {pixel: i for i, pixel in enumerate(hole)}
    matrix, right = np.zeros((len(hole), len(hole))), np.zeros((len(hole), 3))
    f, g = picture.astype(float), raw.astype(float)
    for (y, x), i in number.items():
        for q in [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]:
            if 0 <= q[0] < height and 0 <= q[1] < width:
                matrix[i, i] += 1
                right[i] += g[y, x] - g[q]
                if q in number:
                    matrix[i, number[q]] -= 1
                else:
                    right[i] += f[q]
    f[mask > 0] = np.linalg.solve(matrix, right)
    return f


@masks
def test_the_answer_solves_poisson_s_equation(shape: Shape) -> None:
    picture, raw, mask = noise(0, low=90, high=160), noise(1, low=90, high=160), shape(24, 31)
    expected = np.clip(literal(picture, raw, mask), 0, 255)
    assert np.abs(blend(picture, raw, mask) - expected).max() <= 0.501


@masks
def test_known_pixels_come_back_bit_for_bit(shape: Shape) -> None:
    picture, mask = noise(0), shape(24, 31)
    assert np.array_equal(blend(picture, noise(1), mask)[mask == 0], picture[mask == 0])


@masks
def test_an_answer_that_is_right_but_for_its_brightness_is_put_right(shape: Shape) -> None:
    picture, mask = noise(0, low=40, high=200), shape(24, 31)
    shifted = picture + np.array([30, -20, 10])
    assert np.array_equal(blend(picture, shifted.astype(np.uint8), mask), picture)


def test_poisson_blending_ignores_hole_content() -> None:
    picture, mask = noise(0), centre(24, 31)
    other = np.where(mask[..., None] > 0, noise(2), picture)
    assert np.array_equal(blend(picture, noise(1), mask), blend(other, noise(1), mask))


def test_without_known_pixels_the_raw_answer_stays_and_without_holes_the_picture() -> None:
    picture, raw = noise(0), noise(1)
    assert np.array_equal(blend(picture, raw, np.ones((24, 31), np.uint8)), raw)
    assert np.array_equal(blend(picture, raw, np.zeros((24, 31), np.uint8)), picture)


def test_a_mask_of_255_is_one_of_1() -> None:
    mask = centre(24, 31)
    assert np.array_equal(blend(noise(0), noise(1), mask), blend(noise(0), noise(1), mask * np.uint8(255)))


def test_a_step_at_the_edge_is_gone() -> None:
    picture, raw, mask = np.full((40, 40, 3), 60, np.uint8), np.full((40, 40, 3), 180, np.uint8), centre(40, 40)
    raw[18:22, 18:22] = 210  # the detail that raw has to give
    blended = blend(picture, raw, mask).astype(int)
    assert np.abs(blended[10] - blended[9]).max() <= 5
    assert blended[20, 20, 0] - blended[20, 14, 0] >= 25


@pytest.mark.parametrize("shape", [centre, at_the_border])
def test_a_hole_too_large_to_be_solved_at_once_comes_close(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.linspace(0, 60, 160)[None, :, None] + np.linspace(0, 40, 120)[:, None, None]
    picture = np.broadcast_to(60 + ramp, (120, 160, 3)).astype(np.uint8)
    raw, mask = noise(1, 120, 160, low=90, high=110), shape(120, 160)
    exact = blend(picture, raw, mask).astype(int)
    monkeypatch.setattr(poisson_blending, "DIRECT", 500)
    assert np.abs(blend(picture, raw, mask) - exact).max() <= 6
    assert np.abs(blend(picture, raw, mask) - exact).mean() <= 0.6
