"""Count the FLOP of a recipe's training step without running it."""

import torch

from rayfill.data.batch import Batch
from rayfill.inference.flops import gflop
from rayfill.spec.recipe import Recipe
from rayfill.systems.base import Round
from rayfill.training.optimization.step import round_gradients
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState


def step_gflop(recipe: Recipe, device: torch.device | None = None) -> float:
    """GFLOP of one image's step of the first phase: 2 per multiply-add of convolutions and matrix products, with gradients.

    Args:
        recipe: any.
        device: by default shapes alone are computed. A system that looks at values needs a real device.
    """
    device = device or torch.device("meta")
    recipe = with_precision(recipe, "fp32")
    state = TrainState(recipe, device)
    size = recipe.images.size
    batch = Batch(torch.rand(1, 3, size, size, device=device), torch.zeros(1, 1, size, size, device=device), ("0",))
    settings = recipe.training.model_copy(update={"accumulate": 1, "batch_size": 1})

    def gradients() -> None:
        # Optimizers neither convolve nor multiply matrices, and their fused kernels refuse shapes without values.
        for players in recipe.phases[0].rounds:
            round_gradients(state.system, state.players, Round(recipe.phases[0].name, players), batch, settings)

    return gflop(gradients)
