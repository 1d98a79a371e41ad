"""Training state for exact resume: weights, optimisers, averages, step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from rayfill.spec.recipe import Phase, Recipe
from rayfill.systems import build_system
from rayfill.training.freeze import frozen
from rayfill.training.optimization.player import Player
from rayfill.training.optimization.tensor_tree import copy_tree, load_tree, save_tree
from rayfill.training.policies.divergence import DivergenceWatch
from rayfill.training.policies.early_stopping import ValidationHistory
from rayfill.training.seeding import seed_of

STATE = "state"
POLICIES = "policies"
"""Where in a checkpoint's tree is what the policies remember."""


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
        self.players = {name: Player(self._trainable(name), settings) for name, settings in recipe.players.items()}
        training = recipe.training
        self.divergence = DivergenceWatch(training.divergence, {name: p.terms for name, p in recipe.players.items()})
        self.validation = ValidationHistory(training.validation)

    def _trainable(self, player: str) -> dict[str, torch.nn.Parameter]:
        parameters = self.system.parameters_of(player)
        frozen_names = frozen(parameters, self.recipe.training.freeze or ())
        for name in frozen_names:
            parameters[name].requires_grad_(False)
        return {name: parameter for name, parameter in parameters.items() if name not in frozen_names}

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

    @contextmanager
    def served(self) -> Iterator[None]:
        """The system as it would be served, for the length of the block: averages for weights, in evaluation mode."""
        averages = {name: tensor for player in self.players.values() for name, tensor in player.ema.items()}
        parameters = dict(self.system.named_parameters())
        trained = {name: parameters[name].detach().clone() for name in averages}
        self.system.eval()
        try:
            self._put(averages)
            yield
        finally:
            self._put(trained)
            self.system.train()

    @torch.no_grad()
    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        parameters = dict(self.system.named_parameters())
        for name, tensor in weights.items():
            parameters[name].copy_(tensor)

    def tree(self) -> dict[str, Any]:
        """All that a run goes on from, copied to the CPU."""
        return copy_tree(self._tree())

    def take_tree(self, tree: dict[str, Any]) -> None:
        """Take over what `tree` gave; the tree stays as it is."""
        tree = copy_tree(tree)  # optimizers keep the very tensors that they are given
        self.system.load_state_dict(tree["system"])
        for name, player in self.players.items():
            player.load_state(tree["players"][name])
        self.step = tree["step"]
        policies = tree.get(POLICIES)  # checkpoints of before there were any have none
        if policies is not None:
            self.divergence.load_state(policies["divergence"])
            self.validation.load_state(policies["validation"])

    def save(self, folder: Path) -> None:
        """Write the state into `folder` as `state.safetensors` and `state.json`."""
        save_tree(folder / STATE, self._tree())

    def load(self, folder: Path) -> None:
        """Take over a state that `save` wrote."""
        self.take_tree(load_tree(folder / STATE))

    def _tree(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "system": dict(self.system.state_dict()),
            "players": {name: player.state() for name, player in self.players.items()},
            POLICIES: {"divergence": self.divergence.state(), "validation": self.validation.state()},
        }
