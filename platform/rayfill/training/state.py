"""Training state for exact resume: weights, optimisers, averages, step."""

from pathlib import Path

import torch

from rayfill.spec.recipe import Phase, Recipe
from rayfill.systems import build_system
from rayfill.training.optimization.player import Player
from rayfill.training.optimization.tensor_tree import load_tree, save_tree
from rayfill.training.seeding import seed_of

STATE = "state"


class TrainState:
    """A system with its players, between two steps. `step` counts the finished ones.

    Fresh weights are a function of the recipe's seed alone, so all workers begin equal without a broadcast.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(seed_of(recipe.training.seed, "weights"))
        self.recipe = recipe
        self.step = 0
        layout = torch.channels_last if recipe.training.channels_last else torch.contiguous_format
        system = build_system(recipe.system).to(device)
        self.system = system.to(memory_format=layout).train()  # type: ignore[call-overload]  # torch's own types lack it
        self.system.prepare_training(device)
        self.players = {name: Player(self.system.parameters_of(name), settings) for name, settings in recipe.players.items()}

    def phase(self) -> Phase:
        """The phase that the next step belongs to."""
        return self._place()[0]

    def step_in_phase(self) -> int:
        """Finished steps of the next step's phase."""
        return self._place()[1]

    def _place(self) -> tuple[Phase, int]:
        start = 0
        for phase in self.recipe.phases:
            if self.step < start + phase.steps:
                return phase, self.step - start
            start += phase.steps
        return phase, self.step - start + phase.steps

    def take_over(self, weights: dict[str, torch.Tensor]) -> None:
        """Replace some of the system's weights and buffers, by full name, and restart their moving averages."""
        system = self.system.state_dict()
        for name, tensor in weights.items():
            system[name].copy_(tensor)
        for player in self.players.values():
            player.restart_average(weights)

    def inference_weights(self) -> dict[str, torch.Tensor]:
        """Weights and buffers to evaluate and serve, by full name; moving averages where the recipe keeps them."""
        weights = {n: t.detach() for n, t in self.system.state_dict().items()}
        for player in self.players.values():
            weights |= player.weights()
        return weights

    def save(self, folder: Path) -> None:
        """Write the state into `folder` as `state.safetensors` and `state.json`."""
        save_tree(
            folder / STATE,
            {
                "step": self.step,
                "system": dict(self.system.state_dict()),
                "players": {name: player.state() for name, player in self.players.items()},
            },
        )

    def load(self, folder: Path) -> None:
        """Load a state that `save` wrote."""
        tree = load_tree(folder / STATE)
        self.system.load_state_dict(tree["system"])
        for name, player in self.players.items():
            player.load_state(tree["players"][name])
        self.step = tree["step"]
