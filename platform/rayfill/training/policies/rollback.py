"""Go back to the last good checkpoint where training diverged."""

from typing import Any

from rayfill.spec.errors import Failed
from rayfill.training.state import TrainState


class Rollback:
    """Keeps the state of the last good checkpoint in this worker's memory; nothing where the recipe has no `divergence`.

    Every worker keeps its own copy: going back then asks neither the store nor the other workers for anything.
    """

    def __init__(self, state: TrainState) -> None:
        self._settings = state.recipe.training.divergence
        self._good: dict[str, Any] = {}
        self.good(state)

    def good(self, state: TrainState) -> None:
        """The state is worth going back to: a checkpoint is written of it, or it is what the run began with."""
        if self._settings is not None:
            self._good = state.tree()

    def back(self, state: TrainState, problem: str) -> str:
        """Put the last good state back, with one more rollback counted.

        Args:
            state: changed in place.
            problem: how it diverged.

        Returns:
            A sentence about it.

        Raises:
            Failed: the recipe allows no more rollbacks.
        """
        at, count = state.step, state.divergence.rollbacks + 1
        if self._settings is None:
            raise Failed(problem)
        if count > self._settings.rollbacks:
            raise Failed(f"{problem}; training.divergence.rollbacks: it went back {self._settings.rollbacks} times already")
        state.take_tree(self._good)
        state.divergence.rollbacks = count
        rate = f", rates times {state.divergence.rate_factor:g}" if self._settings.lr < 1 else ""
        count_of = f"rollback {count} of {self._settings.rollbacks}"
        return f"step {at}: diverged ({problem}); back to step {state.step}, {count_of}{rate}"
