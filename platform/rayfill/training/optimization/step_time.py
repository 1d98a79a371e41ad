"""Time a few training steps on a run's own data, to know how many fit into a given time."""

import math
import time
from collections.abc import Iterator

import torch

from rayfill.data.batch import Batch
from rayfill.spec.recipe import Phase
from rayfill.spec.run import RunSpec
from rayfill.training.loop import batches_on_device
from rayfill.training.optimization.gradients import sum_over_workers
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, configure_device, open_loader

WARMUP_STEPS = 3
"""Steps of a phase before timing: kernels are chosen, memory is taken, the loader gets ahead."""
LEAST_STEPS = 3
TIMED_S = 2.0
"""Seconds of timed steps a phase, unless `LEAST_STEPS` take longer."""


def seconds_per_step(run: RunSpec, worker: WorkerContext) -> list[float]:
    """Seconds of a step of each phase on this worker, loading included, and averaging where a process group is there.

    The run is not changed: fresh weights are used and discarded. All workers of a process group make the same number of steps.
    """
    configure_device(worker)
    state = TrainState(run.recipe, worker.device)
    measured = []
    with open_loader(run, worker) as loader:
        first = 0

        def timed(phase: Phase, batches: Iterator[Batch], count: int) -> float:
            began = time.perf_counter()
            for _ in range(count):
                play_step(state.system, state.players, phase, next(batches), run.recipe.training, 0)
                _drain(worker.device)
            return (time.perf_counter() - began) / count

        for phase in run.recipe.phases:
            # A phase may have its own picture and batch size.
            loader.load_state_dict({"step": first})
            batches = batches_on_device(iter(loader), worker.device, run.recipe.training.channels_last)
            timed(phase, batches, WARMUP_STEPS)
            mean = sum_over_workers(timed(phase, batches, LEAST_STEPS), worker.device) / worker.world_size
            measured.append(timed(phase, batches, max(LEAST_STEPS, math.ceil(TIMED_S / mean))))
            first += phase.steps
    return measured


def _drain(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
