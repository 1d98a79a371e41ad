"""Run training on one worker: loader, state, loop and hooks. Called by Ray Train, or without Ray."""

import shutil
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import torch

from rayfill.data.batch import Batch
from rayfill.data.dataset import open_dataset
from rayfill.data.loader import Loader
from rayfill.inference.model_folder import save_model
from rayfill.spec.dataset import Split
from rayfill.spec.errors import Failed
from rayfill.spec.locations import at_version
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.disk_full import folder_bytes, is_disk_full, lacks_space
from rayfill.training.init_from import load_init_weights
from rayfill.training.installed_packages import installed_digest
from rayfill.training.loop import UNREADABLE, Hooks, train_steps
from rayfill.training.monitoring.progress_file import ProgressFile
from rayfill.training.optimization.gradients import sum_over_workers
from rayfill.training.progress import Report
from rayfill.training.sample_grid import sample_grid
from rayfill.training.stages import stages_of
from rayfill.training.state import TrainState
from rayfill.training.tracking import Tracker

PREFETCH = 4
"""Batches that are decoded ahead."""
GRID_SAMPLES = 4
"""Rows of a sample grid."""
MODEL = "model"
"""Folder inside a checkpoint that holds the model as it would be served."""

Save = Callable[[Path | None, int, Mapping[str, float]], None]
"""Called by every worker at a checkpoint: with the folder on rank 0, which is then `save`'s to remove, and None elsewhere;
with the step; with the latest metrics."""


@dataclass(frozen=True)
class WorkerContext:
    """Rank, device and CPU threads of this worker, and the number of workers of the run."""

    rank: int
    world_size: int
    device: torch.device
    num_threads: int


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
    """The run's state on this worker's device: a checkpoint's, or the fresh one."""
    configure_device(worker)
    state = TrainState(run.recipe, worker.device)
    if resume_from is not None:
        state.load(resume_from)
    return state


def train_worker_steps(
    run: RunSpec, worker: WorkerContext, state: TrainState, hooks: Hooks, pauses: Collection[int]
) -> Generator[int, None, None]:
    """Train `state` to the run's end and yield at the steps of `pauses` and at the last. Closing it stops reading ahead."""
    with open_loader(run, worker) as loader:
        loader.load_state_dict({"step": state.step})
        yield from train_steps(
            state,
            iter(loader),
            hooks,
            device=worker.device,
            rank=worker.rank,
            pauses=pauses,
            unreadable=lambda: loader.unreadable,
        )


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
    )


def configure_device(worker: WorkerContext) -> None:
    """Process-wide settings of torch for this worker."""
    torch.set_num_threads(worker.num_threads)
    if worker.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")


class WorkerHooks:
    """Progress, tracking, grids and checkpoints of one worker. Of rank 0 alone, `report` gets every row of metrics."""

    def __init__(
        self, run: RunSpec, worker: WorkerContext, save: Save, tracker: Tracker | None, report: Report | None = None
    ) -> None:
        self._run, self._worker, self._save, self._tracker = run, worker, save, tracker
        self._report = report if worker.rank == 0 else None
        self._progress = ProgressFile(run, worker.world_size) if worker.rank == 0 else None
        self._latest: dict[str, float] = {}
        self._grid_batch: Batch | None = None

    def phase_begins(self, state: TrainState) -> None:
        """Take over the weights that the phase starts from."""
        load_init_weights(self._run, state)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Show and track rank 0's numbers."""
        self._latest = dict(values)
        if self._progress:
            self._progress.update(step, values)
        if self._report:
            self._report(step, {k: v for k, v in values.items() if k != "images_per_s" and (k != UNREADABLE or v)})
        if self._tracker:
            self._tracker.metrics(step, values)

    def sample_grid(self, state: TrainState) -> None:
        """Track a picture of the same few photographs each time."""
        if not self._tracker:
            return
        if self._grid_batch is None:
            self._grid_batch = grid_batch(self._run, self._worker.device)
        system = state.system
        contract = system.contract(system.Options.model_validate(state.recipe.system.options))
        self._tracker.picture("samples", state.step, sample_grid(system, contract, self._grid_batch))

    def checkpoint(self, state: TrainState) -> None:
        """Rank 0 writes state and model into a folder, every worker calls `save`.

        Raises:
            Failed: the disk is full. On all workers alike: one that ended alone would leave the others waiting for it.
        """
        folder, problem = None, None
        if self._worker.rank == 0:
            folder = Path(mkdtemp(prefix="rayfill-checkpoint-"))
            problem = _full_disk(folder, state, self._run)
        if sum_over_workers(problem is not None, self._worker.device):
            raise Failed(
                f"step {state.step}: {problem or 'the disk of rank 0 is full'}; free some space, then start the run again with "
                f"--name {self._run.name}: it goes on from its last checkpoint"
            )
        self._save(folder, state.step, self._latest)


def _full_disk(folder: Path, state: TrainState, run: RunSpec) -> str | None:
    """Write the checkpoint into `folder`. What is wrong if it does not fit there, or then under a root that is a folder."""
    try:
        write_checkpoint(folder, state, run)
    except OSError as error:
        if not is_disk_full(error):
            raise
        shutil.rmtree(folder)
        return f"the disk of {folder.parent} is full"
    if not run.root.startswith("file://"):
        return None
    return lacks_space(Path(run.root.removeprefix("file://")), folder_bytes(folder))


def write_checkpoint(folder: Path, state: TrainState, run: RunSpec) -> None:
    """The state to resume from and, in `model/`, the model as it would be served now."""
    state.save(folder)
    recipe: Recipe = run.recipe
    lineage = Lineage(
        run=run.name,
        step=state.step,
        recipe=recipe.model_dump(mode="json"),
        recipe_digest=recipe.digest(),
        dataset=run.dataset,
        dataset_digest=run.dataset_digest,
        code_version=run.code_version,
        seed=recipe.training.seed,
        workers=run.workers,
        trial=run.trial,
        packages_sha256=installed_digest(),
    )
    save_model(folder / MODEL, state.system, state.inference_weights(), recipe, lineage)


def grid_batch(run: RunSpec, device: torch.device) -> Batch:
    """The photographs of the sample grid: the first ones of val, or of train where nothing was held out."""
    recipe, dataset = run.recipe, open_dataset(at_version(run.dataset, run.dataset_digest))
    split: Split = "val" if dataset.len_of("val") else "train"
    count = min(GRID_SAMPLES, dataset.len_of(split))
    with Loader(
        dataset,
        split,
        seed=recipe.training.seed,
        batch_size=count,
        rank=0,
        world=1,
        images=recipe.images,
        masks=recipe.masks,
        threads=1,
        prefetch=1,
        pin=False,
    ) as loader:
        return next(iter(loader)).to(device, recipe.training.channels_last)
