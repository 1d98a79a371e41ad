"""Detect divergence: a loss that stays above a multiple of its median."""

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from rayfill.spec.training_policies import Divergence


class DivergenceWatch:
    """Watches what each player minimises. Every worker feeds it the same averaged numbers, so all decide alike.

    Only rows below the limit enter the median: a loss that has exploded does not become the new normal.

    Args:
        settings: None watches nothing.
        weights: weight of every term, by player.
    """

    def __init__(self, settings: Divergence | None, weights: Mapping[str, Mapping[str, float]]) -> None:
        self._settings, self._weights = settings, weights
        self._phase = ""
        self._rows: dict[str, list[float]] = {}
        self._since: dict[str, int] = {}
        self.rollbacks = 0

    @property
    def rate_factor(self) -> float:
        """What every learning rate is multiplied by after the rollbacks so far."""
        return self._settings.lr**self.rollbacks if self._settings else 1.0

    @property
    def suspicious(self) -> bool:
        """Whether a loss was above its limit in the last row: such a state is not worth going back to."""
        return bool(self._since)

    def observe(self, step: int, phase: str, values: Mapping[str, float]) -> str | None:
        """Take a row of metrics, `player/term`.

        Returns:
            A sentence that names the loss once the run has diverged, else None.
        """
        settings = self._settings
        if settings is None:
            return None
        if phase != self._phase:  # its players minimise something else
            self._phase, self._rows, self._since = phase, {}, {}
        for player, loss in self._losses(values).items():
            rows = self._rows.setdefault(player, [])
            usual = median(rows) if len(rows) == settings.window else math.inf
            if math.isfinite(loss) and loss <= settings.factor * usual:
                self._since.pop(player, None)
                self._rows[player] = [*rows, loss][-settings.window :]
                continue
            began = self._since.setdefault(player, step)
            if not math.isfinite(loss) or step - began >= settings.steps:
                return f"the loss of '{player}' is {loss:.4g}, its median {usual:.4g}, since step {began}"
        return None

    def _losses(self, values: Mapping[str, float]) -> dict[str, float]:
        losses: dict[str, float] = {}
        for player, terms in self._weights.items():
            moved = {term: values[f"{player}/{term}"] for term in terms if f"{player}/{term}" in values}
            if moved:
                losses[player] = abs(sum(terms[term] * value for term, value in moved.items() if terms[term]))
        return losses

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"phase": self._phase, "rows": self._rows, "since": self._since, "rollbacks": self.rollbacks}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._phase, self.rollbacks = state["phase"], state["rollbacks"]
        self._rows = {player: list(rows) for player, rows in state["rows"].items()}
        self._since = dict(state["since"])
