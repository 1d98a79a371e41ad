"""Remember the best validations, and end a run that does not get better."""

from collections.abc import Mapping
from typing import Any

from rayfill.spec.training_policies import Validation

BETTER = {"psnr": max, "l1": min}
"""Which of two values is better, by metric."""


class ValidationHistory:
    """The best validations of a run, the best first, and how many came after the last best. The same on every worker."""

    def __init__(self, settings: Validation | None) -> None:
        self._settings = settings
        self.best: list[tuple[int, float]] = []
        self.since_best = 0

    def record(self, step: int, value: float) -> bool:
        """Take a validation. Whether it is among the `keep_best` best ones; of equal ones the earlier is better."""
        assert self._settings is not None, "the recipe validates"
        ranked = [*(pair for pair in self.best if pair[0] != step), (step, value)]
        sign = 1 if BETTER[self._settings.metric] is min else -1
        ranked.sort(key=lambda pair: (sign * pair[1], pair[0]))
        self.best = ranked[: self._settings.keep_best]
        self.since_best = 0 if self.best[0][0] == step else self.since_best + 1
        return step in self.best_steps

    @property
    def best_steps(self) -> list[int]:
        """Steps of the best validations, the best first."""
        return [step for step, _ in self.best]

    @property
    def stops(self) -> bool:
        """Whether the recipe's patience is at its end."""
        patience = self._settings.patience if self._settings else None
        return patience is not None and self.since_best >= patience

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"best": [list(pair) for pair in self.best], "since_best": self.since_best}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.best = [(int(step), float(value)) for step, value in state["best"]]
        self.since_best = int(state["since_best"])
