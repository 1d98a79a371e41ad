"""restore begins as its start, and training makes it better than that."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from rayfill.data.batch import Batch
from rayfill.models.start import Start, fill_start
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system
from rayfill.systems.check_recipe import check_recipe
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

SMALL = Path(__file__).parent / "small"
CPU = torch.device("cpu")


def recipe(*overrides: str, name: str = "restore-small") -> Recipe:
    return load_spec(SMALL / f"{name}.yaml", Recipe, ["training.precision=fp32", *overrides])


def waves(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of slow waves, each with a hole in the middle."""
    x = torch.linspace(0, 6.3, side)
    phase = torch.arange(count).view(-1, 1, 1, 1) * 0.7
    image = 0.5 + 0.3 * torch.sin(x.view(1, 1, 1, -1) + x.view(1, 1, -1, 1) + phase)
    mask = torch.zeros(count, 1, side, side)
    mask[:, :, side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    return image.expand(-1, 3, -1, -1).contiguous(), mask


@pytest.mark.parametrize("start", ["constant", "mean", "harmonic"])
@pytest.mark.parametrize("block", ["plain", "gated"])
def test_before_the_first_step_the_answer_is_the_start(start: Start, block: str) -> None:
    made = recipe(f"system.options.start={start}", f"system.options.generator.block={block}")
    system = build_system(made.system).eval()
    image, mask = waves(2, 32)
    assert torch.equal(system.inpaint(image, mask).raw, fill_start(start, image, mask))


def test_training_makes_it_better_than_the_start() -> None:
    made = recipe("players.generator.lr=0.003", "players.generator.ema=null")
    state = TrainState(made, CPU)
    image, mask = waves(4, 32)
    batch = Batch(image, mask, ("a", "b", "c", "d"))
    for at in range(30):
        play_step(state.system, state.players, state.phase(), batch, made.training, at + 60)
    before = (fill_start("harmonic", image, mask) - image).square().mean()
    after = (state.system.inpaint(image, mask).raw - image).square().mean()
    assert after < 0.8 * before


def test_a_critic_needs_its_options() -> None:
    with pytest.raises(InputError, match=r"terms\.adversarial: there is no such term while system\.options\.critic is null"):
        check_recipe(recipe("players.generator.terms.adversarial=0.1"))


def test_the_critic_of_the_sharp_recipe_sees_both_pictures_and_the_mask() -> None:
    made = recipe(name="restore-sharp")
    state = TrainState(made, CPU)
    _, mask = waves(2, 32)
    noisy = functional.interpolate(torch.rand(2, 3, 8, 8), 32)
    phase = next(phase for phase in made.phases if phase.name == "adversarial")
    measured = play_step(state.system, state.players, phase, Batch(noisy, mask, ("a", "b")), made.training, 0)
    assert {"generator/adversarial", "generator/feature_matching", "critic/critic"} <= set(measured)
    assert torch.isfinite(torch.stack(list(measured.values()))).all()
