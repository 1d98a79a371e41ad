"""The training loop, for every system, with or without Ray; hooks save and report."""

import math
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from typing import Protocol

import torch
from torch import nn

from rayfill.data.batch import Batch
from rayfill.training.monitoring.data_wait import TimedBatches
from rayfill.training.monitoring.speed_meter import SpeedMeter
from rayfill.training.optimization.gradients import average_buffers, average_over_workers
from rayfill.training.optimization.nan_detector import NanDetector
from rayfill.training.optimization.step import play_step
from rayfill.training.policies.rollback import Rollback
from rayfill.training.seeding import seed_step
from rayfill.training.state import TrainState


class Hooks(Protocol):
    """What happens around the steps. Every worker's loop calls them at the same steps."""

    def phase_begins(self, state: TrainState) -> None:
        """The next step is the first of its phase."""

    def step_begins(self, state: TrainState) -> None:
        """The next step is about to be played."""

    def requests(self) -> tuple[bool, bool]:
        """Whether this worker was asked from outside to save at once, and whether to save and leave. Called at rows of metrics;
        what one worker was asked all of them do."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """New numbers, the same on every worker: losses, gradient norms, and speed, data wait, unreadable samples of all."""

    def validate(self, state: TrainState) -> None:
        """Time to measure the model, and to record it in `state.validation`."""

    def sample_grid(self, state: TrainState) -> None:
        """Time for a sample grid."""

    def checkpoint(self, state: TrainState) -> None:
        """Time to save."""

    def note(self, sentence: str) -> None:
        """Something happened that a person wants to know."""


def train_steps(
    state: TrainState,
    batches_from: Callable[[int], Iterator[Batch]],
    hooks: Hooks,
    *,
    device: torch.device,
    rank: int,
    pauses: Collection[int],
    unreadable: Callable[[], int],
) -> Generator[int, None, None]:
    """Train from `state.step` to the recipe's last step, and yield at the steps of `pauses` and at the last one.

    The caller may read the state at a pause, and may drop the iterator: nothing runs between two pauses unless it is asked
    for. The trained weights do not depend on the pauses. It ends earlier where validation no longer gets better, or where the
    hooks are asked to leave.

    Args:
        state: changed in place.
        batches_from: this worker's uint8 batches, from that of a step on; an earlier iterator is done with then.
        hooks: called after the step in question, with the state as it then is; before a pause it is saved.
        device: where the batches go.
        rank: of this worker.
        pauses: steps; the same on every worker.
        unreadable: how many samples that cannot be decoded this worker has met so far.

    Yields:
        The number of finished steps.

    Raises:
        Failed: a loss or a gradient is no longer a finite number, or the run diverged, once more than the recipe allows.
    """
    training, last = state.recipe.training, state.recipe.steps
    rollback, watch = Rollback(state), NanDetector()
    meter = SpeedMeter()
    timed = TimedBatches(batches_from(state.step))
    ahead = batches_on_device(timed, device, training.channels_last)
    leaves = False
    while state.step < last and not state.validation.stops and not leaves:
        seed_step(training.seed, state.step, rank, state.divergence.rollbacks)
        phase = state.phase()
        if state.step_in_phase() == 0:
            hooks.phase_begins(state)
        hooks.step_begins(state)
        meter.count(state.recipe.batch_size_of(phase))
        rate = state.divergence.rate_factor
        measured = play_step(state.system, state.players, phase, next(ahead), training, state.step_in_phase(), rate)
        state.step += 1
        broken = watch.broken(state.step, measured)
        problem = non_finite(mean_over_workers(broken[1]), state.system, broken[0]) if broken else None
        pausing = state.step in pauses or state.step == last
        due = pausing or state.step % training.checkpoint_every == 0
        asked = False
        if problem is None and (due or state.step % training.log_every == 0):
            values = mean_over_workers(measured)
            problem = non_finite(values, state.system, state.step) or state.divergence.observe(state.step, phase.name, values)
            if problem is None:
                asked, leaves, row = meter.row(timed.take(), unreadable(), hooks.requests(), device)
                hooks.metrics(state.step, values | row)
        if problem is not None:
            hooks.note(rollback.back(state, problem))
            ahead.close()
            timed = TimedBatches(batches_from(state.step))
            ahead = batches_on_device(timed, device, training.channels_last)
            watch = NanDetector()
            meter.restart()
            continue
        validates = training.validation is not None and (state.step % training.validation.every == 0 or state.step == last)
        shows = state.step % training.grid_every == 0 or state.step == last
        due = due or asked or leaves
        if shows or due or validates:
            average_buffers(state.system)
        if validates:
            hooks.validate(state)
        if shows:
            hooks.sample_grid(state)
        rests = pausing or leaves or state.validation.stops
        if rests or (due and not state.divergence.suspicious):
            rollback.good(state)
            hooks.checkpoint(state)
        if rests:
            yield state.step
            meter.restart()


def mean_over_workers(measured: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Scalars averaged over the workers, so that all of them see a NaN at the same step and none waits for a stopped one."""
    values = torch.stack([value.detach().float() for value in measured.values()])
    average_over_workers([values])
    return dict(zip(measured, values.tolist(), strict=True))


def non_finite(values: Mapping[str, float], system: nn.Module, step: int) -> str | None:
    """A sentence that names the number that is none and the first weight that it reached; None while all are finite."""
    broken = next((name for name, value in values.items() if not math.isfinite(value)), None)
    if broken is None:
        return None
    weight = next((n for n, p in system.named_parameters() if not p.isfinite().all()), "no weight yet")
    return (
        f"step {step}: {broken} is {values[broken]}, first broken weight: {weight}; "
        "the last checkpoint is from before it. Try a lower players.*.lr, players.*.clip=1.0 or training.precision=fp32"
    )


def batches_on_device(batches: Iterator[Batch], device: torch.device, channels_last: bool) -> Generator[Batch, None, None]:
    """Batches on the device, the next one already on its way while the current one is used."""
    prefetched = next(batches).to(device, channels_last)
    while True:
        current, prefetched = prefetched, next(batches).to(device, channels_last)
        yield current
