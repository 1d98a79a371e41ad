"""Large pictures are filled in bounded memory, and their known pixels stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.inference import large_images, one_pass
from rayfill.inference.composite import UInt8
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model, load_model
from rayfill.inference.one_pass import inpaint_in_one_pass
from rayfill.systems.batch_inference import inpaint_batch

SMALL = Path(__file__).parent.parent / "systems" / "small"


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
    (plain,) = inpaint_in_one_pass(model, [picture], [mask], None, False)
    (answer,) = inpaint(model, [picture], [mask], work_pixels=40 * 56)
    assert answer.scale == 1.0
    np.testing.assert_array_equal(answer.composited, plain.composited)


def test_beyond_it_known_pixels_stay_and_a_deep_hole_is_filled_at_a_smaller_scale_first(model: Model) -> None:
    picture, mask = example(200, 120, 0)
    (answer,) = inpaint(model, [picture], [mask], work_pixels=6000)
    assert answer.scale == 0.5, "the model was trained at 32 px and sees 8 px deep; the hole is 15 px deep"
    np.testing.assert_array_equal(answer.composited[mask == 0], picture[mask == 0])
    assert (answer.composited[mask > 0] != picture[mask > 0]).any(axis=-1).mean() > 0.9


def test_a_thin_hole_of_a_large_picture_is_filled_at_its_own_scale(model: Model) -> None:
    picture = example(300, 500, 0)[0]
    mask = np.zeros((300, 500), np.uint8)
    mask[40:44, 20:480] = mask[:, 250:253] = 1
    (answer,) = inpaint(model, [picture], [mask], work_pixels=10_000)
    assert answer.scale == 1.0
    np.testing.assert_array_equal(answer.composited[mask == 0], picture[mask == 0])


def ramp(height: int, width: int) -> UInt8:
    """Colours that change linearly from side to side."""
    parts = np.broadcast_arrays(np.linspace(20, 230, height)[:, None], np.linspace(10, 120, width), 60)
    return np.stack(parts, axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("thickness", [1, 2, 4, 12, 90])
def test_the_fill_continues_the_picture_around_it(
    thickness: int, tmp_path: Path, make_system_model: Callable[[str, Path], Model]
) -> None:
    """Harmonic fill, as which `restore` begins, is exact on a ramp; a gray fill or a shifted one is far off."""
    picture = ramp(400, 240)
    mask = np.zeros((400, 240), np.uint8)
    mask[100 : 100 + thickness, 30:200] = 1
    (answer,) = inpaint(make_system_model("restore-small", tmp_path), [picture], [mask], work_pixels=20_000)
    wrong = np.abs(answer.composited[mask > 0].astype(int) - picture[mask > 0])
    assert wrong.mean() < 3
    assert wrong.max() < 14


@pytest.mark.parametrize("name", sorted(path.stem for path in SMALL.glob("*.yaml")))
def test_every_system_fills_scratches_of_1_to_12_px_and_nothing_else(
    name: str, tmp_path: Path, make_system_model: Callable[[str, Path], Model]
) -> None:
    picture, mask = ramp(180, 260), np.zeros((180, 260), np.uint8)
    for at, thickness in zip((20, 50, 80, 120), (1, 2, 4, 12), strict=True):
        mask[at : at + thickness, 10:250] = 255
    model = make_system_model(name, tmp_path)
    damaged = np.where((mask > 0)[..., None], np.uint8(255), picture)
    first, second = (inpaint(model, [each], [mask], work_pixels=20_000)[0] for each in (damaged, damaged))
    np.testing.assert_array_equal(first.composited[mask == 0], picture[mask == 0])
    assert first.scale == 1.0
    assert second.composited.shape == picture.shape
    untouched = (first.composited[mask > 0] == 255).all(axis=-1)
    assert untouched.mean() < 0.5, "holes are filled, not left as they came"


def test_large_images_ignore_hole_content(model: Model) -> None:
    picture, mask = example(201, 119, 0)
    other = np.where((mask > 0)[..., None], np.uint8(255) - picture, picture)
    answers = [inpaint(model, [each], [mask], work_pixels=5000)[0].composited for each in (picture, other)]
    np.testing.assert_array_equal(*answers)


def test_no_forward_pass_is_larger_than_the_bound_and_answers_keep_their_order(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def counted(system: object, contract: object, image: torch.Tensor, *rest: object) -> object:
        passes.append(image.shape[0] * image.shape[-2] * image.shape[-1])
        return inpaint_batch(system, contract, image, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(large_images, "inpaint_batch", counted)
    monkeypatch.setattr(one_pass, "inpaint_batch", counted)
    pairs = [example(*size, seed) for seed, size in enumerate([(32, 32), (40, 24), (32, 32), (32, 32), (90, 90)])]
    answers = inpaint(model, [p for p, _ in pairs], [m for _, m in pairs], work_pixels=4096)
    assert max(passes) <= 4096
    assert passes[:2] == [40 * 24, 3 * 32 * 32] or passes[:2] == [3 * 32 * 32, 40 * 24], "equal ones go together"
    for (picture, mask), answer in zip(pairs, answers, strict=True):
        np.testing.assert_array_equal(answer.composited[mask == 0], picture[mask == 0])


def test_a_mask_that_covers_all_but_one_pixel_is_answered(model: Model) -> None:
    picture, mask = example(150, 210, 0)[0], np.ones((150, 210), np.uint8)
    mask[70, 80] = 0
    (answer,) = inpaint(model, [picture], [mask], work_pixels=5000)
    np.testing.assert_array_equal(answer.composited[70, 80], picture[70, 80])
    np.testing.assert_array_equal(answer.mask > 0, mask > 0)
