"""One player at training time: its parameters, its optimiser, the moving average of its weights."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from rayfill.spec import recipe as spec
from rayfill.training.optimization.gradients import average_over_workers, clip

Tree = dict[str, object]


class Player:
    """Steps one set of parameters. `parameters` are named as in the system, in a fixed order."""

    def __init__(self, parameters: dict[str, nn.Parameter], settings: spec.Player) -> None:
        self.parameters = parameters
        self.settings = settings
        kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = kind(
            list(parameters.values()), lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay, fused=True
        )
        self.ema = {n: p.detach().clone() for n, p in parameters.items()} if settings.ema else {}
        self.updates = 0

    def loss(self, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """The weighted sum of the player's terms."""
        weights = self.settings.terms
        return torch.stack([weights[name] * term for name, term in terms.items() if weights[name] > 0]).sum()

    def step(self, gradients: list[torch.Tensor], lr: float) -> torch.Tensor:
        """One update at rate `lr` from this worker's gradients; returns the norm of the averaged gradient."""
        average_over_workers(gradients)
        norm = clip(gradients, self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        for parameter, gradient in zip(self.parameters.values(), gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.updates += 1
        self._average()
        return norm

    def weights(self) -> dict[str, torch.Tensor]:
        """Weights to evaluate and serve: the moving average if the recipe has one, else the weights themselves."""
        return dict(self.ema) if self.ema else {n: p.detach() for n, p in self.parameters.items()}

    def restart_average(self, names: Iterable[str]) -> None:
        """Restart the moving average of these parameters from their present values."""
        for name in self.ema.keys() & set(names):
            self.ema[name].copy_(self.parameters[name].detach())

    def state(self) -> Tree:
        """Optimiser state, average and counter, keyed by parameter name."""
        moments = self.optimizer.state_dict()["state"]
        names = list(self.parameters)
        return {
            "updates": self.updates,
            "optimizer": {names[i]: dict(entry) for i, entry in moments.items()},
            "ema": dict(self.ema),
        }

    def take_moments(self, state: Tree) -> None:
        """Take over another run's optimiser, average and counter, for the parameters that have the same names and shapes."""
        mine, merged = self.state(), {}
        for part in ("optimizer", "ema"):
            ours, theirs = mine[part], state[part]
            assert isinstance(ours, dict)
            assert isinstance(theirs, dict)
            merged[part] = ours | {name: entry for name, entry in theirs.items() if self._fits(name, entry)}
        averages = {name: tensor for name, tensor in merged["ema"].items() if name in self.ema}
        self.load_state({"optimizer": merged["optimizer"], "ema": averages, "updates": state["updates"]})

    def _fits(self, name: str, entry: torch.Tensor | dict[str, torch.Tensor]) -> bool:
        parameter = self.parameters.get(name)
        tensors = entry.values() if isinstance(entry, dict) else [entry]
        return parameter is not None and all(t.shape in (parameter.shape, torch.Size()) for t in tensors)

    def load_state(self, state: Tree) -> None:
        """Load what `state()` returned."""
        names = list(self.parameters)
        full = self.optimizer.state_dict()
        saved = state["optimizer"]
        assert isinstance(saved, dict)
        full["state"] = {names.index(name): entry for name, entry in saved.items()}
        self.optimizer.load_state_dict(full)
        ema = state["ema"]
        assert isinstance(ema, dict)
        for name, tensor in ema.items():
            self.ema[name].copy_(tensor)
        assert isinstance(state["updates"], int)
        self.updates = state["updates"]

    def _average(self) -> None:
        if not self.settings.ema:
            return
        # Early averages would be mostly the random initial weights; this ramp is TensorFlow's ExponentialMovingAverage's.
        decay = min(self.settings.ema, (1 + self.updates) / (10 + self.updates))
        get_ema_multi_avg_fn(decay)(list(self.ema.values()), [p.detach() for p in self.parameters.values()], self.updates)
