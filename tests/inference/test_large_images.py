"""Large pictures are filled in bounded memory, and their known pixels stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.inference import large_images
from rayfill.inference.inpaint import UInt8, inpaint
from rayfill.inference.large_images import inpaint_bounded
from rayfill.inference.model_folder import Model, load_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., object]) -> Model:
    folder = tmp_path_factory.mktemp("model")
    make_model(folder)
    return load_model(folder, torch.device("cpu"))


def example(height: int, width: int, seed: int) -> tuple[UInt8, UInt8]:
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 255
    return rng.integers(0, 256, (height, width, 3), np.uint8), mask


def test_up_to_the_bound_it_is_plain_inpainting(model: Model) -> None:
    picture, mask = example(40, 56, 0)
    (plain,) = inpaint(model.system, model.card.contract, [picture], [mask], model.device)
    (answer,) = inpaint_bounded(model, [picture], [mask], work_pixels=40 * 56)
    assert answer.scale == 1.0
    np.testing.assert_array_equal(answer.picture, plain.composited)


def test_beyond_it_known_pixels_stay_and_holes_are_filled(model: Model) -> None:
    picture, mask = example(200, 120, 0)
    (answer,) = inpaint_bounded(model, [picture], [mask], work_pixels=6000)
    assert answer.scale == pytest.approx(0.5)
    np.testing.assert_array_equal(answer.picture[mask == 0], picture[mask == 0])


def test_the_fill_at_a_smaller_size_continues_the_picture_around_it(
    tmp_path: Path, make_system_model: Callable[[str, Path], Model]
) -> None:
    """Harmonic fill, as which `restore` begins, is exact on a ramp; a gray fill or a shifted one is far off."""
    ramp = np.stack(np.broadcast_arrays(np.linspace(20, 230, 200)[:, None], np.linspace(10, 120, 120), 60), axis=2)
    picture, mask = ramp.round().astype(np.uint8), example(200, 120, 0)[1]
    (answer,) = inpaint_bounded(make_system_model("restore-small", tmp_path), [picture], [mask], work_pixels=6000)
    assert answer.scale == pytest.approx(0.5)
    wrong = np.abs(answer.picture[mask > 0].astype(int) - picture[mask > 0])
    assert wrong.mean() < 3
    assert wrong.max() < 12


def test_what_stands_in_the_hole_never_shows_through(model: Model) -> None:
    picture, mask = example(201, 119, 0)
    other = np.where((mask > 0)[..., None], np.uint8(255) - picture, picture)
    answers = [inpaint_bounded(model, [each], [mask], work_pixels=5000)[0].picture for each in (picture, other)]
    np.testing.assert_array_equal(*answers)


def test_no_forward_pass_is_larger_than_the_bound_and_answers_keep_their_order(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def counted(
        system: object, contract: object, pictures: list[UInt8], masks: list[UInt8], device: object, *how: object
    ) -> object:
        passes.append(sum(mask.size for mask in masks))
        return inpaint(model.system, model.card.contract, pictures, masks, model.device)

    monkeypatch.setattr(large_images, "inpaint", counted)
    pairs = [example(*size, seed) for seed, size in enumerate([(32, 32), (40, 24), (32, 32), (32, 32), (90, 90)])]
    answers = inpaint_bounded(model, [p for p, _ in pairs], [m for _, m in pairs], work_pixels=2048)
    assert max(passes) <= 2048 * 1.02, "sides are rounded"
    assert len(passes) == 4, "two of the three equal ones go together"
    for (picture, mask), answer in zip(pairs, answers, strict=True):
        np.testing.assert_array_equal(answer.picture[mask == 0], picture[mask == 0])
