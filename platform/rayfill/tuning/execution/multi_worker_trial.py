"""A trial of several workers: a Ray Train run inside the trial, which asks at every rung whether it goes on.

A trial that is stopped is told so at the rung, and its workers return: Ray Train ends in order and gives its resources back
at once. Ending its controller instead would leave them taken.
"""

import logging
from collections.abc import Generator
from itertools import chain
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import ray.train
import ray.train.collective
import ray.train.torch
from ray.util.queue import Empty, Queue

from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.training.capacity import waiting_limit
from rayfill.training.on_ray import fit, publish_result
from rayfill.training.run_directory import claim_or_resume
from rayfill.training.tracking import Tracker
from rayfill.training.worker import MODEL, WorkerContext, WorkerHooks, load_state, train_worker_steps
from rayfill.training.worker_on_ray import report_checkpoint
from rayfill.tuning.execution.trial import TrialJob, held, tracked, tracked_name
from rayfill.tuning.study.rung import Rung

LOOK_S = 1.0
"""How often it is looked whether Ray Train still runs while a rung is waited for."""


def train_trial_on_workers(job: TrialJob) -> Generator[Rung, None, None]:
    """As `train_trial`, on a Ray Train run of the job's workers; this process only waits for them.

    Raises:
        Failed: it diverged, or more workers were lost than the recipe allows.
    """
    began = monotonic()
    with held(claim_or_resume(job.run)) as run, tracked(run, job) as tracker:
        talk = TrainRunChannel(job, tracker.run_id)
        talk.start()
        told: set[int] = set()
        try:
            while (heard := talk.next_rung()) is not None:
                step, metrics = heard
                tracker.metrics(step, {f"sweep/{tracked_name(label)}": value for label, value in metrics.items()})
                if step == job.last:
                    break
                if step not in told:  # told again by workers that were replaced
                    told.add(step)
                    yield Rung(step, job.seconds + run.workers * (monotonic() - began), metrics)
                talk.answer(step, go_on=True)
            publish_result(run, talk.result())
        finally:
            talk.end()
        yield Rung(step, job.seconds + run.workers * (monotonic() - began), metrics)


class TrainRunChannel:
    """The Ray Train run in a thread, and the two queues through which its rank 0 tells rungs and hears whether it goes on."""

    def __init__(self, job: TrialJob, mlflow_run: str) -> None:
        self._job = job
        self._rungs, self._answers = (Queue(actor_options={"num_cpus": 0}) for _ in range(2))
        self._config = {"job": job.model_dump_json(), "mlflow_run": mlflow_run, "rungs": self._rungs, "answers": self._answers}
        self._thread = Thread(target=self._fit, name=job.run.name, daemon=True)
        self._result: ray.train.Result | None = None
        self._error: Exception | None = None
        self._at = 0

    def start(self) -> None:
        self._thread.start()

    def next_rung(self) -> tuple[int, dict[str, float]] | None:
        """What rank 0 measured; None where the run has ended without another rung."""
        while True:
            alive = self._thread.is_alive()
            try:
                self._at, metrics = self._rungs.get(timeout=LOOK_S)
                return self._at, metrics
            except Empty:
                if not alive:
                    self.result()
                    return None

    def answer(self, step: int, *, go_on: bool) -> None:
        self._answers.put((step, go_on))

    def result(self) -> ray.train.Result:
        """Once it has ended."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def end(self) -> None:
        """Workers that wait for an answer are told to stop; when this returns, what they had is free."""
        if self._thread.is_alive():
            self.answer(self._at, go_on=False)
            self._thread.join()
        for queue in (self._rungs, self._answers):
            queue.shutdown(force=True)

    def _fit(self) -> None:
        try:
            self._result = fit(self._job.run, _worker_main, self._config, self._job.resources, waiting_limit())
        except Exception as error:
            self._error = error


def _worker_main(config: dict[str, Any]) -> dict[str, Any]:
    """What every worker runs. A breakdown that trying again cannot mend is returned, not raised."""
    try:
        _train(config)
    except (Failed, InputError) as error:
        return {"failed": str(error)}
    return {}


def _train(config: dict[str, Any]) -> None:
    # Ray names the logger that announces every report of every worker after a file, so only the root's level reaches it.
    logging.getLogger().setLevel(logging.WARNING)
    job = TrialJob.model_validate_json(config["job"])
    context = ray.train.get_context()
    rank = context.get_world_rank()
    place = WorkerContext(rank, context.get_world_size(), ray.train.torch.get_device(), job.threads)
    where = mlflow_place(Locations(job.run.root))
    tracker = Tracker(where, config["mlflow_run"]) if rank == 0 else None

    def save(folder: Path | None, step: int, metrics: Any) -> None:
        if folder is not None and job.asks(step):
            measured[step] = job.measure(folder / MODEL)
        report_checkpoint(folder, step, metrics)

    measured: dict[int, dict[str, float]] = {}
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        state = load_state(job.run, place, None)
    else:
        with checkpoint.as_directory() as folder:
            state = load_state(job.run, place, Path(folder))
            if rank == 0 and job.asks(state.step):
                measured[state.step] = job.measure(Path(folder) / MODEL)
    hooks = WorkerHooks(job.run, place, save, tracker)
    for step in chain([state.step], train_worker_steps(job.run, place, state, hooks, pauses=job.rungs)):
        if not job.asks(step):
            continue
        if rank == 0:
            config["rungs"].put((step, measured.pop(step)))
        if step == job.last or not _goes_on(config["answers"], step, rank):
            return


def _goes_on(answers: Queue, step: int, rank: int) -> bool:
    """What rank 0 hears about a rung, for all of them; answers about earlier rungs, to workers that were lost, are left."""
    answer = None
    while rank == 0 and (answer is None or answer[0] != step):
        answer = answers.get()
    return bool(ray.train.collective.broadcast_from_rank_zero(answer)[1])
