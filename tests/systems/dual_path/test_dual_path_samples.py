"""Several answers for one picture: what a seed decides, and how good they are on average and at best."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model, load_model, save_model
from rayfill.inference.sampling import check_samples
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems.dual_path.metrics import OF_N, psnr_of_n
from rayfill.systems.dual_path.system import DualPath

SMALL = Path(__file__).parents[1] / "small"


@cache
def recipe(name: str) -> Recipe:
    return load_spec(SMALL / f"{name}.yaml", Recipe, [])


def dual_path() -> DualPath:
    torch.manual_seed(0)
    return DualPath(DualPath.Options.model_validate(recipe("dual-path").system.options)).eval().requires_grad_(False)


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.zeros(2, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)), mask


def a_model(folder: Path, name: str) -> Model:
    from rayfill.systems import build_system

    system = build_system(recipe(name).system)
    lineage = Lineage(
        run="r", step=1, recipe={}, recipe_digest="0" * 64, dataset="file:///d", dataset_digest="0" * 64, code_version="0",
        seed=0, workers=1,
    )  # fmt: skip
    save_model(folder, system, system.state_dict(), recipe(name), lineage)
    return load_model(folder, torch.device("cpu"))


def test_a_seed_is_an_answer_and_no_seed_is_the_prior_s_mean() -> None:
    system, (image, mask) = dual_path(), pictures()
    first, again, other = (system.sample(image, mask, seed).raw for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    drawn: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: drawn.append(inputs[0]))
    means: list[torch.Tensor] = []
    system.prior.register_forward_hook(lambda _, __, found: means.append(found[0]))
    system.inpaint(image, mask)
    assert torch.equal(drawn[0], means[0])


def test_a_seed_leaves_torch_s_own_chance_alone_and_is_not_moved_by_it() -> None:
    system, (image, mask) = dual_path(), pictures()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = system.sample(image, mask, 3).raw
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(system.sample(image, mask, 3).raw, first)


def test_a_picture_s_sample_does_not_depend_on_its_batch() -> None:
    system, (image, mask) = dual_path(), pictures()
    together = system.sample(image, mask, 3).raw
    for i in range(2):
        alone = system.sample(image[i : i + 1], mask[i : i + 1], 3).raw
        torch.testing.assert_close(alone[0], together[i], rtol=0, atol=1e-4)


def test_the_deviation_scales_the_noise() -> None:
    system, (image, mask) = dual_path(), pictures()
    drawn: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: drawn.append(inputs[0]))
    mean, std = system.prior(system.encoder((2 * image - 1) * (1 - mask))[-1])
    for seed in range(200):
        system.sample(image, mask, seed)
    latents = torch.stack(drawn)
    assert ((latents.mean(0) - mean) / std).abs().max() < 0.4
    assert ((latents.std(0) / std) - 1).abs().max() < 0.3


def test_mean_and_best_of_n_are_what_they_say() -> None:
    image, mask = torch.full((2, 3, 8, 8), 0.5), torch.zeros(2, 1, 8, 8)
    mask[..., :4, :] = 1
    # Half of the pixels are off by 0.1, or by 0.2; what an answer makes of known pixels does not count.
    answers = [torch.full_like(image, value) for value in (0.6, 0.3)]
    one, two = (-10 * math.log10(d * d / 2) for d in (0.1, 0.2))
    found = psnr_of_n(answers, image, mask)
    assert found["psnr_mean_of_n"].tolist() == pytest.approx([(one + two) / 2] * 2, rel=1e-5)
    assert found["psnr_best_of_n"].tolist() == pytest.approx([one] * 2, rel=1e-5)


def test_a_perfect_answer_counts_as_100_db() -> None:
    image, mask = pictures()
    assert psnr_of_n([image], image, mask)["psnr_mean_of_n"].tolist() == pytest.approx([100, 100])


def test_the_system_measures_its_first_n_samples_at_any_size() -> None:
    system, (image, mask) = dual_path(), pictures()
    expected = psnr_of_n([system.sample(image, mask, seed).raw for seed in (0, 1)], image, mask)
    measured = system.measure(image, mask)
    assert set(measured) == {metric.name for metric in OF_N}
    for name, values in measured.items():
        torch.testing.assert_close(values, expected[name])
    assert (measured["psnr_best_of_n"] >= measured["psnr_mean_of_n"]).all()
    odd = system.measure(image[..., :29, :31], mask[..., :29, :31])
    assert all(values.shape == (2,) and values.isfinite().all() for values in odd.values())


def test_the_oracle_is_called_one() -> None:
    assert [("oracle" in metric.definition) for metric in OF_N] == [False, True]


def test_pictures_of_any_size_are_sampled_and_keep_what_is_known(tmp_path: Path) -> None:
    model = a_model(tmp_path, "dual-path")
    picture = np.random.default_rng(0).integers(0, 256, (41, 67, 3), dtype=np.uint8)
    mask = np.zeros((41, 67), np.uint8)
    mask[5:30, 10:50] = 1
    answers = [inpaint(model, [picture], [mask], seed=seed)[0].composited for seed in (4, 5, 4)]
    np.testing.assert_array_equal(answers[0], answers[2])
    assert (answers[0] != answers[1])[mask > 0].any()
    for answer in answers:
        np.testing.assert_array_equal(answer[mask == 0], picture[mask == 0])


def test_a_model_with_one_answer_is_told_who_has_many(tmp_path: Path) -> None:
    check_samples(a_model(tmp_path / "many", "dual-path"), "dual-path")
    with pytest.raises(InputError, match=r"model 'mine' \(gdn\) has one answer for a picture; models of .*dual_path"):
        check_samples(a_model(tmp_path / "one", "gdn"), "mine")
