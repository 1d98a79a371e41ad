"""Every system takes a start: it stands in the holes that its networks see, in training and in inference."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from rayfill.data.batch import Batch
from rayfill.inference.model_folder import Model, load_model
from rayfill.models.start import fill_start
from rayfill.spec.contract import Start
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems import SYSTEMS, build_system, system_class, system_options
from rayfill.systems.base import START, Round, System
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.systems.check_recipe import check_recipe
from rayfill.systems.network_input import constant_colour, fill_holes, from_range, to_range
from rayfill.systems.start_options import StartOptions
from rayfill.training.state import TrainState

SMALL = Path(__file__).parent / "small"
CPU = torch.device("cpu")
RECIPES = {
    "gdn": "gdn",
    "weighted": "weighted",
    "adversarial": "adversarial",
    "dual_path": "dual-path",
    "lama": "lama",
    "gated": "gated",
    "pconv": "pconv",
    "residual_gan": "residual-unet",
    "lsgan": "lsgan",
    "lsgan_ae": "lsgan-ae",
    "context_encoder": "context-encoder",
    "informed_mask": "informed-mask",
    "restore": "restore-small",
}
every = pytest.mark.parametrize("kind", SYSTEMS)
starts = pytest.mark.parametrize("start", ["mean", "harmonic"])


def recipe(kind: str, *overrides: str) -> Recipe:
    return load_spec(SMALL / f"{RECIPES[kind]}.yaml", Recipe, ["training.precision=fp32", *overrides])


def a_batch(side: int) -> Batch:
    """Two ramps of colour, each with a hole of its own."""
    generator = torch.Generator().manual_seed(1)
    image = interpolate(torch.rand(2, 3, 4, 4, generator=generator), (side, side), mode="bilinear")
    mask = torch.zeros(2, 1, side, side)
    mask[0, :, side // 4 : side // 2, side // 4 : side // 2] = 1
    mask[1, :, : side // 3, side // 2 :] = 1
    return Batch(image, mask, ("a", "b"))


def answer(system: System, batch: Batch) -> torch.Tensor:
    return inpaint_batch(system.eval(), system.image_contract, batch.image, batch.mask).raw


@every
@starts
def test_a_start_is_a_recipe_key_of_every_system_and_stands_in_its_contract(kind: str, start: Start) -> None:
    made = recipe(kind, f"system.options.start={start}")
    check_recipe(made)
    assert build_system(made.system).image_contract.start == start
    papers = recipe(kind, *(["system.options.start=constant"] if kind == "restore" else []))
    assert build_system(papers.system).image_contract.start == "constant"


@every
def test_the_start_reaches_the_networks_in_training_and_in_inference(kind: str) -> None:
    """Two starts, the same weights: other answers and, where training sees holes, another forward pass."""
    batch = a_batch(recipe(kind).images.size)
    answers, passes = [], []
    for start in ("mean", "harmonic"):
        made = recipe(kind, f"system.options.start={start}")
        system = TrainState(made, CPU).system
        # restore's correction is zero at first; any weights will do.
        for parameter in system.parameters():
            if not parameter.any():
                torch.nn.init.constant_(parameter, 0.01)
        answers.append(answer(system, batch))
        found = []
        for phase in made.phases:
            for players in phase.rounds:
                torch.manual_seed(0)
                found += system.train().forward_shared(batch, Round(phase.name, players)).values()
        passes.append(found)
    assert not torch.equal(*answers)
    same = all(map(torch.equal, *passes))
    assert same is (kind == "lsgan"), "its training sees no holes"


@every
@starts
@pytest.mark.parametrize("known", ["one pixel", "nothing", "everything"])
def test_any_mask_is_answered(kind: str, start: Start, known: str) -> None:
    made = recipe(kind, f"system.options.start={start}")
    batch = a_batch(made.images.size)
    mask = torch.full_like(batch.mask, float(known != "everything"))
    if known == "one pixel":
        mask[:, :, 3, 5] = 0
    system = build_system(made.system)
    raw = answer(system, Batch(batch.image, mask, batch.ids))
    assert raw.shape == batch.image.shape
    assert raw.isfinite().all()


@every
def test_a_saved_model_keeps_its_start(kind: str, tmp_path: Path, make_system_model: Callable[[str, Path], Model]) -> None:
    model = make_system_model(RECIPES[kind], tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["contract"]["start"] == model.system.image_contract.start
    # The stored contract decides, not what the code would say today.
    card["contract"]["start"] = "mean"
    (tmp_path / "model.json").write_text(json.dumps(card))
    if kind != "pconv":  # whose networks have another shape then
        assert load_model(tmp_path, CPU).system.image_contract.start == "mean"


def test_a_card_older_than_the_key_takes_what_its_system_did(
    tmp_path: Path, make_system_model: Callable[[str, Path], Model]
) -> None:
    model = make_system_model("restore-small", tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    del card["contract"]["start"]
    card["contract"] |= {"value_range": "zero_one", "hole_fill": 0.5}  # as restore's cards were
    (tmp_path / "model.json").write_text(json.dumps(card))
    old, batch = load_model(tmp_path, CPU), a_batch(32)
    assert old.card.contract == model.card.contract
    torch.testing.assert_close(answer(old.system, batch), answer(model.system, batch))


@pytest.mark.parametrize("kind", [kind for kind in SYSTEMS if kind not in ("informed_mask", "lsgan")])
def test_a_start_that_the_loader_computes_is_the_one_that_the_device_would(kind: str) -> None:
    made = recipe(kind, "system.options.start=harmonic", "system.options.start_on=loader")
    cls, options, phase = system_class(made.system), system_options(made.system), made.phases[-1].name
    (found,) = cls.sample_maps(options, phase).values()
    pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(16, 16, dtype=torch.uint8)
    hole[4:9, 2:12] = 255
    image, mask = pixels.permute(2, 0, 1)[None] / 255, hole[None, None] / 255
    system = build_system(made.system)
    loaded = found.make(pixels.numpy(), hole.numpy())[None]
    assert torch.equal(loaded, system.filled_holes(image, mask))
    marked = Batch(image, mask, ("a",), {START: torch.full_like(image, 0.25)})
    assert torch.equal(system.filled_holes(image, mask, marked), marked.maps[START])
    assert cls.sample_maps(options.model_copy(update={"start_on": "device"}), phase) == {}


def test_the_loader_cannot_compute_what_the_step_draws() -> None:
    with pytest.raises(InputError, match="start_on 'loader' does not go with this system"):
        check_recipe(recipe("informed_mask", "system.options.start_on=loader"))


@every
def test_the_constant_is_the_colour_that_the_contract_says(kind: str) -> None:
    system = build_system(recipe(kind, "system.options.start=constant").system)
    contract, batch = system.image_contract, a_batch(32)
    filled = fill_holes(batch.image, batch.mask, contract)
    seen = to_range(filled, contract.value_range)
    fill = contract.hole_fill if isinstance(contract.hole_fill, tuple) else (contract.hole_fill,) * 3
    for channel, value in enumerate(fill):
        torch.testing.assert_close(seen[:, channel][batch.mask[:, 0] > 0].unique(), torch.tensor([value]), atol=1e-6, rtol=0)
    torch.testing.assert_close(from_range(seen, contract.value_range), filled)
    assert all(0 <= value <= 1 for value in constant_colour(contract))


def test_every_system_shares_the_keys() -> None:
    assert all(issubclass(system_class(recipe(kind).system).Options, StartOptions) for kind in SYSTEMS)


def test_a_start_is_differentiable_where_the_picture_asks_for_it() -> None:
    batch = a_batch(16)
    image = batch.image.clone().requires_grad_()
    fill_start("harmonic", image, batch.mask).mul(batch.mask).sum().backward()
    assert image.grad is not None
    assert image.grad[(batch.mask == 0).expand_as(image)].abs().sum() > 0
    assert not image.grad[(batch.mask > 0).expand_as(image)].any()
    assert fill_start("harmonic", batch.image, batch.mask).grad_fn is None
