"""What every Ray Train worker runs: the loop, with a heartbeat, metrics and checkpoints that go through Ray."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from socket import gethostname
from typing import Any

import ray
import ray.train
import ray.train.torch
from ray.actor import ActorHandle
from ray.exceptions import RayError
from ray.train import Checkpoint, CheckpointUploadMode

from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.training.metrics_on_ray import RunMetrics
from rayfill.training.monitoring.board import Orders
from rayfill.training.monitoring.whereabouts import own_error
from rayfill.training.progress_on_ray import sender
from rayfill.training.pulse_on_ray import ANSWER_S, Pulse
from rayfill.training.state import TrainState
from rayfill.training.tracking import Tracker, system_metrics
from rayfill.training.worker import WorkerContext, WorkerHooks, load_state, train_worker_steps

STEP = "step-"
"""How the name of a checkpoint's folder begins; the number of finished steps follows."""


def worker_main(config: dict[str, Any]) -> dict[str, Any]:
    """What every Ray Train worker runs. A breakdown that trying again cannot mend is returned, not raised."""
    run = RunSpec.model_validate(config["run"])
    # Ray names the logger that announces every report of every worker after a file, so only the root's level reaches it.
    logging.getLogger().setLevel(logging.WARNING)
    context = ray.train.get_context()
    board, rank = config["board"], context.get_world_rank()
    worker = WorkerContext(rank, context.get_world_size(), ray.train.torch.get_device(), config["cpus"])
    orders = Orders(leave=False, broken=None, tell_steps=False, saves=0)
    with suppress(RayError):
        orders = ray.get(board.begins.remote(rank, worker.world_size), timeout=ANSWER_S)
    if orders.broken is not None:
        return {"failed": orders.broken}
    try:
        checkpoint = ray.train.get_checkpoint()
        with nullcontext(None) if checkpoint is None else checkpoint.as_directory() as folder:
            state = load_state(run, worker, Path(folder) if folder else None)
        if rank == 0 and checkpoint is not None:
            board.put.remote(state.step, {})
        return _train(run, worker, state, orders, config)
    except (Failed, InputError) as error:
        return {"failed": str(error)}


def _train(run: RunSpec, worker: WorkerContext, state: TrainState, orders: Orders, config: dict[str, Any]) -> dict[str, Any]:
    """Train from a state to the run's end, or to where it is told to leave."""
    board, rank = config["board"], worker.rank
    tracker = Tracker(mlflow_place(Locations(run.root)), config["mlflow_run"]) if rank == 0 else None
    send, gauges = sender(board, run.recipe.steps), RunMetrics(run.name)

    def report(step: int, metrics: Mapping[str, float]) -> None:
        send(step, metrics)
        gauges.set(step, worker.world_size, metrics)

    hooks = WorkerHooks(run, worker, report_checkpoint, tracker, report)
    hooks.log = board.note.remote
    hooks.leave_soon = orders.leave
    if orders.tell_steps:
        hooks.tell = board.begun.remote
    pulse = Pulse(board, rank, state, hooks, orders.saves)
    pulse.start()
    machine = system_metrics(mlflow_place(Locations(run.root)), config["mlflow_run"], gethostname() if rank else None)
    with machine if ray.train.get_context().get_local_rank() == 0 else nullcontext():
        return _train_watched(run, worker, state, hooks, board, pulse)


def _train_watched(
    run: RunSpec, worker: WorkerContext, state: TrainState, hooks: WorkerHooks, board: ActorHandle, pulse: Pulse
) -> dict[str, Any]:
    """Train, and tell the board of an error of this worker's own before it is raised."""
    try:
        for _ in train_worker_steps(run, worker, state, hooks, pauses=()):
            pass
    except (Failed, InputError):
        raise
    except Exception as error:
        if own_error(error):
            with suppress(RayError):
                what = (str(error).strip().splitlines() or [""])[0]
                ray.get(board.failed.remote(worker.rank, state.step + 1, f"{type(error).__name__}: {what}"), timeout=ANSWER_S)
        raise
    finally:
        pulse.stop()
    return {"left": state.step < run.recipe.steps and not state.validation.stops}


def report_checkpoint(folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
    """Hand a checkpoint to Ray Train, which uploads it while training goes on and then removes the local copy."""
    ray.train.report(
        {"step": step, **metrics},
        checkpoint=Checkpoint.from_directory(str(folder)) if folder else None,
        checkpoint_dir_name=f"{STEP}{step:09d}",
        checkpoint_upload_mode=CheckpointUploadMode.ASYNC,
        delete_local_checkpoint_after_upload=True,
    )
