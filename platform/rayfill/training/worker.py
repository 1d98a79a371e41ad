"""Run training on one worker: loader, state, loop. Called by Ray Train, or without Ray."""

from collections import deque
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path

import torch

from rayfill.data.batch import Batch
from rayfill.data.dataset import open_dataset
from rayfill.data.loader import Loader
from rayfill.spec.locations import at_version
from rayfill.spec.run import RunSpec
from rayfill.training.context import WorkerContext
from rayfill.training.init_model import load_init
from rayfill.training.loop import Hooks, train_steps
from rayfill.training.progress import Report
from rayfill.training.stages import stages_of
from rayfill.training.state import TrainState
from rayfill.training.tracking import Tracker
from rayfill.training.worker_hooks import Save, WorkerHooks
from rayfill.training.write_checkpoint import MODEL

__all__ = [
    "MODEL",
    "Save",
    "WorkerContext",
    "WorkerHooks",
    "configure_device",
    "load_state",
    "open_loader",
    "run_worker",
    "train_worker_steps",
]
PREFETCH = 4
"""Batches that are decoded ahead."""


def run_worker(
    run: RunSpec,
    worker: WorkerContext,
    resume_from: Path | None,
    save: Save,
    tracker: Tracker | None,
    report: Report | None = None,
) -> TrainState:
    """Train `run` to its end on this worker, from a checkpoint folder or from the start. Rank 0 tracks and reports."""
    state = load_state(run, worker, resume_from)
    deque(train_worker_steps(run, worker, state, WorkerHooks(run, worker, save, tracker, report), pauses=()), maxlen=0)
    return state


def load_state(run: RunSpec, worker: WorkerContext, resume_from: Path | None) -> TrainState:
    """The run's state on this worker's device: a checkpoint's, or the one that it begins with."""
    configure_device(worker)
    state = TrainState(run.recipe, worker.device)
    if resume_from is None:
        load_init(run, state)
    else:
        state.load(resume_from)
    return state


def train_worker_steps(
    run: RunSpec, worker: WorkerContext, state: TrainState, hooks: Hooks, pauses: Collection[int]
) -> Generator[int, None, None]:
    """Train `state` to the run's end and yield at the steps of `pauses` and at the last. Closing it stops reading ahead."""
    with open_loader(run, worker) as loader, closing(_Batches(loader)) as batches:
        yield from train_steps(
            state,
            batches.starting_at,
            hooks,
            device=worker.device,
            rank=worker.rank,
            pauses=pauses,
            unreadable=lambda: loader.unreadable,
        )


class _Batches:
    """One iteration of a loader at a time: beginning another one ends the first, with what it has under way."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._iterator: Generator[Batch, None, None] | None = None

    def starting_at(self, step: int) -> Iterator[Batch]:
        """Batches from that of a step on."""
        self.close()
        self._loader.load_state_dict({"step": step})
        iterator = iter(self._loader)
        assert isinstance(iterator, Generator)
        self._iterator = iterator
        return iterator

    def close(self) -> None:
        """End the iteration."""
        if self._iterator is not None:
            self._iterator.close()


def open_loader(run: RunSpec, worker: WorkerContext) -> Loader:
    """This worker's training batches, from the first step on."""
    recipe = run.recipe
    return Loader(
        open_dataset(at_version(run.dataset, run.dataset_digest)),
        "train",
        seed=recipe.training.seed,
        batch_size=recipe.training.batch_size,
        rank=worker.rank,
        world=worker.world_size,
        images=recipe.images,
        masks=recipe.masks,
        threads=worker.num_threads,
        prefetch=PREFETCH,
        pin=worker.device.type == "cuda",
        stages=stages_of(recipe),
        grain=recipe.training.accumulate,
    )


def configure_device(worker: WorkerContext) -> None:
    """Process-wide settings of torch for this worker."""
    torch.set_num_threads(worker.num_threads)
    if worker.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
