"""One trial: the platform's one training loop, measured at rungs. It knows nothing of Ray.

It can be dropped at any rung and killed at any time; begun again, it goes on from its run's last checkpoint.
"""

import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from shutil import move, rmtree

import torch
from pydantic import Field

from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.base import Strict
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.spec.run_progress import RunPhase
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.training.checkpoints import Checkpoints
from rayfill.training.monitoring.progress_file import end_progress
from rayfill.training.run_directory import claim_or_resume, publish_model, run_lock
from rayfill.training.tracking import Tracker, close_tracked_run, open_tracked_run
from rayfill.training.worker import MODEL, WorkerContext, WorkerHooks, load_state, train_worker_steps
from rayfill.tuning.search.objective import cached_eval_set, measure_objectives
from rayfill.tuning.study.rung import Rung

KEPT = 2
"""Checkpoints of a trial at a time, where its recipe does not keep fewer."""
PATIENCE_S = 60.0
"""How long a trial waits for the process of a driver that was killed to let go of the run."""


class TrialJob(Strict):
    """All that a trial needs, wherever it runs; as JSON it travels to the worker.

    Attributes:
        rungs: steps at which it is measured; the last one is the recipe's.
        known: steps of rungs that the study knows already.
        seconds: worker-seconds that the study knows it to have cost.
        threads: of each worker.
        resources: of each worker, as Ray counts them.
        parent: id of the sweep's MLflow run.
    """

    sweep: SweepSpec
    run: RunSpec
    rungs: tuple[int, ...]
    known: tuple[int, ...]
    seconds: float = Field(ge=0)
    threads: int = Field(ge=1)
    resources: dict[str, float]
    parent: str

    @property
    def device(self) -> torch.device:
        """Where a worker trains and measures."""
        return torch.device("cuda" if "GPU" in self.resources else "cpu")

    @property
    def last(self) -> int:
        """The recipe's last step."""
        return self.run.recipe.steps

    def measure(self, folder: Path) -> dict[str, float]:
        """The sweep's objectives of a model folder."""
        return measure_objectives(
            folder, cached_eval_set(self.sweep.model_dump_json()), self.sweep.sweep.objectives, self.device
        )

    def asks(self, step: int) -> bool:
        """Whether a measurement at a step is news to the study. The last one always is: it ends the trial."""
        return step == self.last or (step in self.rungs and step not in self.known)


def train_trial(job: TrialJob) -> Generator[Rung, None, None]:
    """Train a trial of one worker in this process, from its run's last checkpoint or from the start.

    At each rung a checkpoint is written, the model measured and the rung yielded; closing the iterator ends the trial there
    and frees what it holds. Before the last rung is yielded, the final model is in the run's directory.

    Raises:
        Failed: it diverged.
        InputError: its run's name is taken by another run, or a phase cannot begin as the recipe says.
    """
    with held(claim_or_resume(job.run)) as run, tracked(run, job) as tracker, tempfile.TemporaryDirectory() as scratch:
        saved = _Saved(
            Checkpoints(run.root, run.name, min(KEPT, run.recipe.training.keep_checkpoints)), job.seconds, Path(scratch)
        )
        resume = saved.fetch()
        place = WorkerContext(0, 1, job.device, job.threads)
        state = load_state(run, place, resume)
        hooks = WorkerHooks(run, place, saved, tracker)
        with closing(train_worker_steps(run, place, state, hooks, pauses=job.rungs)) as training:
            # A rung whose checkpoint is there may never have been told.
            for step in chain([state.step], training):
                if not job.asks(step):
                    continue
                assert saved.folder is not None, "a rung is behind a checkpoint"
                metrics = job.measure(saved.folder / MODEL)
                tracker.metrics(step, {f"sweep/{tracked_name(label)}": value for label, value in metrics.items()})
                if step == job.last:
                    publish_model(run.root, run.name, saved.folder / MODEL)
                yield Rung(step, saved.seconds, metrics)


class _Saved:
    """What the loop saves: kept in the run's directory, and the newest at hand, too. Counts the trial's seconds."""

    def __init__(self, checkpoints: Checkpoints, seconds: float, scratch: Path) -> None:
        self.folder: Path | None = None
        self._checkpoints, self._scratch = checkpoints, scratch
        self._newest = checkpoints.newest()
        self._before = max(seconds, self._newest.seconds if self._newest else 0.0)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def fetch(self) -> Path | None:
        """The folder of the checkpoint to go on from."""
        if self._newest is not None:
            self.folder = self._scratch / "resumed"
            self._checkpoints.fetch(self._newest.step, self.folder)
        return self.folder

    def __call__(self, folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
        assert folder is not None, "a trial of one worker is rank 0"
        self._checkpoints.save(folder, step, self.seconds)
        kept = self._scratch / f"step-{step}"
        move(folder, kept)
        if self.folder is not None:
            rmtree(self.folder)
        self.folder = kept


@contextmanager
def held(run: RunSpec) -> Iterator[RunSpec]:
    """The run, for this process alone. A trial of a driver that was killed may need a moment to be gone."""
    deadline = time.monotonic() + PATIENCE_S
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(run_lock(run))
                break
            except InputError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        yield run


@contextmanager
def tracked(run: RunSpec, job: TrialJob) -> Iterator[Tracker]:
    """The trial's MLflow run, below the sweep's: FINISHED at its end, KILLED where it was stopped, FAILED where it broke."""
    place = mlflow_place(Locations(run.root))
    run_id = open_tracked_run(place, run, job.parent)
    end: RunPhase
    status, end, why = "FINISHED", "finished", None
    try:
        yield Tracker(place, run_id)
    except GeneratorExit:
        status, end, why = "KILLED", "stopped", "its sweep stopped it"
        raise
    except BaseException as error:
        status, end, why = "FAILED", "failed", str(error)
        raise
    finally:
        end_progress(run.root, run.name, end, why)
        with suppress(Failed):  # MLflow being away for a while costs no trial
            close_tracked_run(place, run_id, status)


def tracked_name(label: str) -> str:
    """An objective's label as MLflow takes it: ``psnr/hole/(0.1,0.2]`` has characters that it refuses."""
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in label)


def why_hopeless(error: Exception) -> str | None:
    """The reason why trying the trial again cannot help: it diverged, is impossible or too large; None where it might."""
    if isinstance(error, Failed | InputError):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
    memory = memory or (isinstance(error, RuntimeError) and ("out of memory" in first or "can't allocate memory" in first))
    return f"out of memory: {first}" if memory else None
