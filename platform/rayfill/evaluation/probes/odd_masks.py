"""Masks and sizes that no evaluation set has and some user will send: each must be answered, known pixels untouched."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model

UInt8 = npt.NDArray[np.uint8]


def odd_mask_failures(model: Model) -> list[str]:
    """What goes wrong, a sentence for each; empty if nothing does."""
    found = []
    for name, picture, mask in odd_cases(model.card.train_size):
        try:
            answer = inpaint(model, [picture], [mask])[0].composited
        except Exception as error:
            found.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0][:200])
            continue
        known = mask == 0
        if answer.shape != picture.shape or answer.dtype != np.uint8:
            found.append(f"{name}: the answer is {answer.shape} {answer.dtype}, the picture {picture.shape} uint8")
        elif not np.array_equal(answer[known], picture[known]):
            found.append(f"{name}: {int((answer != picture).any(-1)[known].sum())} known pixels were changed")
    return found


def odd_cases(size: int) -> Iterator[tuple[str, UInt8, UInt8]]:
    """(name, picture (H,W,3), mask (H,W) with 1 = hole), drawn from a fixed seed around `size` pixels."""
    rng = np.random.default_rng(1)

    def case(name: str, height: int, width: int, holes: Any) -> tuple[str, UInt8, UInt8]:
        mask = np.zeros((height, width), np.uint8)
        mask[holes] = 1
        return name, rng.integers(0, 256, (height, width, 3), np.uint8), mask

    yield case("nothing to fill", size, size, np.s_[:0])
    yield case("all to fill", size, size, np.s_[:])
    everything_but_one = np.ones((size, size), bool)
    everything_but_one[size // 2, size // 2] = False
    yield case("all to fill but one pixel", size, size, everything_but_one)
    yield case("one pixel", size, size, np.s_[size // 3, size // 3])
    yield case("one pixel in the corner", size, size, np.s_[0, 0])
    yield case("a line of one pixel along the border", size, size, np.s_[-1, :])
    yield case("a frame", size, size, np.pad(np.zeros((size - 8, size - 8), bool), 4, constant_values=True))
    yield case("a chessboard", size, size, np.indices((size, size)).sum(axis=0) % 2 == 1)
    yield case("odd sides", size + 13, size - 5, np.s_[5:20, 3:9])
    yield case("a narrow strip", 17, 2 * size, np.s_[4:9, 10:30])
    yield case("a picture of 16 pixels", 16, 16, np.s_[6:9, 6:9])
