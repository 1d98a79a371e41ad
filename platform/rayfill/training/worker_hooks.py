"""What one worker does around its steps: progress, tracking, validation, grids, checkpoints."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Thread

from rayfill.data.batch import Batch
from rayfill.hardware.gpu_utilization import gpu_utilization
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.run import RunSpec
from rayfill.training.best_checkpoints import BestCheckpoints
from rayfill.training.context import WorkerContext
from rayfill.training.grid_batch import grid_batch
from rayfill.training.init_from import load_init_weights
from rayfill.training.monitoring.progress_file import ProgressFile
from rayfill.training.monitoring.speed_meter import SPEED, UNREADABLE
from rayfill.training.optimization.gradients import sum_over_workers
from rayfill.training.progress import GPU, Report
from rayfill.training.sample_grid import sample_grid
from rayfill.training.state import TrainState
from rayfill.training.tracking import Tracker
from rayfill.training.validate import PREFIX, Validator
from rayfill.training.write_checkpoint import write_checkpoint, write_or_full_disk

Save = Callable[[Path | None, int, Mapping[str, float]], None]
"""Called by every worker at a checkpoint: with the folder on rank 0, which is then `save`'s to remove, and None elsewhere;
with the step; with the latest metrics."""


class WorkerHooks:
    """Of one worker. Of rank 0 alone, `report` gets every row of metrics.

    Attributes:
        save_soon, leave_soon: set from another thread: save, or save and leave, at the next row of metrics.
        ticks: counts what is done beside steps, for who watches whether this worker gets any further.
        tell: called with every step, from 1, that begins.
        log: called on rank 0 with sentences for a person.
    """

    def __init__(
        self, run: RunSpec, worker: WorkerContext, save: Save, tracker: Tracker | None, report: Report | None = None
    ) -> None:
        self._run, self._worker, self._save, self._tracker = run, worker, save, tracker
        self._report = report if worker.rank == 0 else None
        self._progress = ProgressFile(run, worker.world_size) if worker.rank == 0 else None
        self._latest: dict[str, float] = {}
        self._grid_batch: Batch | None = None
        self._validator: Validator | None = None
        self._saving_best: Thread | None = None
        self.save_soon = self.leave_soon = False
        self.ticks = 0
        self.tell: Callable[[int], None] | None = None
        self.log: Callable[[str], None] = lambda sentence: print(sentence, file=sys.stderr, flush=True)

    def phase_begins(self, state: TrainState) -> None:
        """Take over the weights that the phase starts from."""
        self._tick()
        load_init_weights(self._run, state)

    def step_begins(self, state: TrainState) -> None:
        """Tell it where that was asked for."""
        if self.tell:
            self.tell(state.step + 1)

    def requests(self) -> tuple[bool, bool]:
        """What was asked from another thread; to save is asked once."""
        asked, self.save_soon = (self.save_soon, self.leave_soon), False
        return asked

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Show and track rank 0's numbers."""
        self._latest = {**{k: v for k, v in self._latest.items() if k.startswith(PREFIX)}, **values}
        if self._progress:
            self._progress.update(step, self._latest)
        if self._report:
            busy = gpu_utilization()
            shown = {k: v for k, v in self._latest.items() if k != SPEED and (k != UNREADABLE or v)}
            self._report(step, shown if busy is None else {**shown, GPU: busy})
        if self._tracker:
            self._tracker.metrics(step, values)

    def validate(self, state: TrainState) -> None:
        """Measure, record, and keep the checkpoint if it is among the best. A sweep measures its trials itself."""
        settings = self._run.recipe.training.validation
        if self._run.trial is not None or settings is None:
            return
        if self._validator is None:
            self._validator = self._open_validator()
        values = self._validator.measure(state, self._tick)
        self._latest |= values
        if self._tracker:
            self._tracker.metrics(state.step, values)
        if state.validation.record(state.step, values[f"{PREFIX}{settings.metric}"]) and self._worker.rank == 0:
            self._save_best(state)
        if state.validation.stops:
            best, value = state.validation.best[0]
            self.note(
                f"step {state.step}: ends early, {settings.metric} was best at step {best} ({value:.4g}) and not better in "
                f"{state.validation.since_best} validations since"
            )

    def sample_grid(self, state: TrainState) -> None:
        """Track a picture of the same few photographs each time."""
        if not self._tracker:
            return
        self._tick()
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
        self._tick()
        self._wait_for_best()  # what this checkpoint's state calls the best is in its place before
        folder, problem = None, None
        if self._worker.rank == 0:
            folder = Path(mkdtemp(prefix="rayfill-checkpoint-"))
            problem = write_or_full_disk(folder, state, self._run)
        if sum_over_workers(problem is not None, self._worker.device):
            raise Failed(
                f"step {state.step}: {problem or 'the disk of rank 0 is full'}; free some space, then start the run again with "
                f"--name {self._run.name}: it goes on from its last checkpoint"
            )
        self._save(folder, state.step, self._latest)
        self._tick()

    def note(self, sentence: str) -> None:
        """Say it, once for all workers."""
        if self._worker.rank == 0:
            self.log(sentence)

    def _open_validator(self) -> Validator:
        """InputError, on all workers alike, if one of them cannot read its photographs."""
        validator, problem = None, None
        try:
            validator = Validator(self._run, self._worker.rank, self._worker.world_size, self._worker.device)
        except InputError as error:
            problem = error
        broken = sum_over_workers(problem is not None, self._worker.device)
        if problem is not None:
            raise problem
        if broken or validator is None:
            raise InputError("training.validation: another worker cannot read a val photograph; its own sentence says which")
        return validator

    def _save_best(self, state: TrainState) -> None:
        self._wait_for_best()
        step, keep = state.step, list(state.validation.best_steps)
        folder = Path(mkdtemp(prefix="rayfill-best-"))

        def save() -> None:
            try:
                BestCheckpoints(self._run.root, self._run.name).save(folder, step, keep)
            except (Failed, OSError) as error:
                self.note(f"step {step}: its checkpoint is the best so far, but could not be kept: {error}")
            finally:
                rmtree(folder, ignore_errors=True)

        try:
            write_checkpoint(folder, state, self._run)
        except OSError as error:
            rmtree(folder, ignore_errors=True)
            self.note(f"step {step}: its checkpoint is the best so far, but could not be written: {error}")
            return
        self._saving_best = Thread(target=save, name=f"best checkpoint of {self._run.name}", daemon=True)
        self._saving_best.start()

    def _wait_for_best(self) -> None:
        if self._saving_best is not None:
            self._saving_best.join()
            self._saving_best = None

    def _tick(self) -> None:
        self.ticks += 1
