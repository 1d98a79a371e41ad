"""The training loop, for every system, with or without Ray; hooks save and report."""

import math
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from typing import Protocol

import torch
from torch import nn

from rayfill.data.batch import Batch
from rayfill.spec.errors import Failed
from rayfill.training.monitoring.data_wait import DATA_WAIT, TimedBatches
from rayfill.training.optimization.gradients import average_buffers, average_over_workers, sum_over_workers, world_size
from rayfill.training.optimization.nan_detector import NanDetector
from rayfill.training.optimization.step import play_step
from rayfill.training.seeding import seed_step
from rayfill.training.state import TrainState

UNREADABLE = "unreadable_samples"
"""Name of a metric: samples that cannot be decoded, which are replaced by others, counted by each worker since it began."""


class Hooks(Protocol):
    """What happens around the steps. Every worker's loop calls them at the same steps."""

    def phase_begins(self, state: TrainState) -> None:
        """The next step is the first of its phase."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """New numbers, the same on every worker: losses, gradient norms, and speed, data wait, unreadable samples of all."""

    def sample_grid(self, state: TrainState) -> None:
        """Time for a sample grid."""

    def checkpoint(self, state: TrainState) -> None:
        """Time to save."""


def train_steps(
    state: TrainState,
    batches: Iterator[Batch],
    hooks: Hooks,
    *,
    device: torch.device,
    rank: int,
    pauses: Collection[int],
    unreadable: Callable[[], int],
) -> Generator[int, None, None]:
    """Train from `state.step` to the recipe's last step, and yield at the steps of `pauses` and at the last one.

    The caller may read the state at a pause, and may drop the iterator: nothing runs between two pauses unless it is asked
    for. The trained weights do not depend on the pauses.

    Args:
        state: changed in place.
        batches: this worker's uint8 batches, beginning with that of step `state.step`.
        hooks: called after the step in question, with the state as it then is; before a pause it is saved.
        device: where the batches go.
        rank: of this worker.
        pauses: steps; the same on every worker.
        unreadable: how many samples that cannot be decoded this worker has met so far.

    Yields:
        The number of finished steps.

    Raises:
        Failed: a loss or a gradient is no longer a finite number; the sentence names it and the step.
    """
    training = state.recipe.training
    last = state.recipe.steps
    began, images = time.perf_counter(), 0
    watch = NanDetector()
    timed = TimedBatches(batches)
    ahead = batches_on_device(timed, device, training.channels_last)
    while state.step < last:
        seed_step(training.seed, state.step, rank)
        if state.step_in_phase() == 0:
            hooks.phase_begins(state)
        images += state.recipe.batch_size_of(state.phase())
        measured = play_step(state.system, state.players, state.phase(), next(ahead), training, state.step_in_phase())
        state.step += 1
        broken = watch.broken(state.step, measured)
        if broken:
            refuse_non_finite(mean_over_workers(broken[1]), state.system, broken[0])
        rests = state.step in pauses or state.step == last
        saves = state.step % training.checkpoint_every == 0 or rests
        if state.step % training.log_every == 0 or saves:
            values = mean_over_workers(measured)
            refuse_non_finite(values, state.system, state.step)
            now = time.perf_counter()
            values["images_per_s"] = images / (now - began)
            values[DATA_WAIT] = sum_over_workers(timed.take() / (now - began), device) / world_size()
            began, images = now, 0
            values[UNREADABLE] = sum_over_workers(unreadable(), device)
            hooks.metrics(state.step, values)
        shows = state.step % training.grid_every == 0 or state.step == last
        if shows or saves:
            average_buffers(state.system)
        if shows:
            hooks.sample_grid(state)
        if saves:
            hooks.checkpoint(state)
        if rests:
            yield state.step
            began = time.perf_counter()


def mean_over_workers(measured: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Scalars averaged over the workers, so that all of them see a NaN at the same step and none waits for a stopped one."""
    values = torch.stack([value.detach().float() for value in measured.values()])
    average_over_workers([values])
    return dict(zip(measured, values.tolist(), strict=True))


def refuse_non_finite(values: Mapping[str, float], system: nn.Module, step: int) -> None:
    """Stop before a NaN is saved, with the name of the number and of the first weight that it reached."""
    broken = next((name for name, value in values.items() if not math.isfinite(value)), None)
    if broken is None:
        return
    weight = next((n for n, p in system.named_parameters() if not p.isfinite().all()), "no weight yet")
    raise Failed(
        f"step {step}: {broken} is {values[broken]}, first broken weight: {weight}; "
        "the last checkpoint is from before it. Try a lower players.*.lr, players.*.clip=1.0 or training.precision=fp32"
    )


def batches_on_device(batches: Iterator[Batch], device: torch.device, channels_last: bool) -> Iterator[Batch]:
    """Batches on the device, the next one already on its way while the current one is used."""
    prefetched = next(batches).to(device, channels_last)
    while True:
        current, prefetched = prefetched, next(batches).to(device, channels_last)
        yield current
