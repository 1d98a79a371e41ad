"""Two pictures are learnt by heart, in the loop's own steps, as far as a system's answer shows it."""

from pathlib import Path

import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

SMALL = Path(__file__).parent / "small"
STEPS = 80
# What is left of the error; more where a critic pulls elsewhere. The other systems' own tests say what they learn.
LEFT = {
    "gdn": 0.3,
    "weighted": 0.3,
    "adversarial": 0.85,
    "residual-unet": 0.5,
    "residual-resnet": 0.7,
    "residual-resnet-unet": 0.5,
    "context-encoder-random": 0.7,
    "lama": 0.9,
}


def error_of(state: TrainState, batch: Batch) -> float:
    """Mean error of the raw answer."""
    system = state.system.eval()
    contract = system.contract(system.Options.model_validate(state.recipe.system.options))
    raw = inpaint_batch(system, contract, batch.image, batch.mask).raw
    system.train()
    return float((raw - batch.image).abs().mean())


@pytest.mark.parametrize(("name", "left"), LEFT.items())
def test_training_brings_every_systems_answer_closer(name: str, left: float) -> None:
    recipe = load_spec(SMALL / f"{name}.yaml", Recipe, ["training.precision=fp32", "training.batch_size=2"])
    players = {player: settings.model_copy(update={"lr": 3e-3, "ema": None}) for player, settings in recipe.players.items()}
    state = TrainState(recipe.model_copy(update={"players": players}), torch.device("cpu"))
    side = recipe.images.size
    image = torch.zeros(2, 3, side, side)
    image[0, 0], image[1, 2] = 0.9, 0.8
    image[:, 1] = torch.linspace(0, 1, side)
    mask = torch.zeros(2, 1, side, side)
    mask[:, :, side // 4 : side // 2, side // 4 : side // 2] = 1
    batch = Batch(image, mask, ("a", "b"))
    before = error_of(state, batch)
    torch.manual_seed(0)
    for step in range(STEPS):
        play_step(state.system, state.players, state.phase(), batch, recipe.training, step)
    assert error_of(state, batch) < left * before
