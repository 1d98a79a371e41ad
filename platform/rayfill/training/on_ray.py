"""Run the training loop under Ray Train V2: workers, process group, checkpoints, replacement of lost workers."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
import ray.train
import ray.train.torch
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    CheckpointUploadMode,
    ControllerError,
    FailureConfig,
    LoggingConfig,
    RunConfig,
    ScalingConfig,
)
from ray.train.v2._internal.exceptions import WorkerGroupStartupTimeoutError

from rayfill.cluster.live_nodes import live_nodes
from rayfill.cluster.placement import Share, lacks_room
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.duration import format_duration
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.spec.run_progress import RunPhase
from rayfill.storage.arrow_filesystem import as_arrow
from rayfill.storage.disk_full import is_disk_full
from rayfill.storage.open_store import open_store
from rayfill.training.capacity import startup_failures
from rayfill.training.monitoring.progress_file import end_progress
from rayfill.training.progress_on_ray import progress_shown, sender
from rayfill.training.run_directory import publish_model
from rayfill.training.tracking import Tracker, close_tracked_run, open_tracked_run
from rayfill.training.worker import MODEL, WorkerContext, run_worker

STEP = "step-"
"""How the name of a checkpoint's folder begins; the number of finished steps follows."""
_ENDS: Mapping[str, RunPhase] = {"FINISHED": "finished", "KILLED": "stopped", "FAILED": "failed"}
"""A run's end in `progress.json` by its status in MLflow."""
START_TIMEOUT_S = 30.0
"""Seconds after which a start of all workers is tried again; the controller does not answer while it waits for room."""


def train_on_ray(run: RunSpec, share: Share, wait_s: float) -> str:
    """Train to the end, replacing lost workers, and publish the final model in the run's directory.

    A run that was stopped goes on from its last checkpoint: Ray Train finds it by the run's name.

    Args:
        run: claimed.
        share: what each worker gets.
        wait_s: seconds to wait for room after workers were lost with their node.

    Returns:
        The id of the run's MLflow run.

    Raises:
        Failed: training broke down (a NaN, or more lost workers than the recipe allows).
    """
    place = mlflow_place(Locations(run.root))
    mlflow_run = open_tracked_run(place, run)
    status, why = "FAILED", None
    try:
        _fit(run, share, wait_s, mlflow_run)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except Exception as error:
        why = str(error)
        raise
    finally:
        end_progress(run.root, run.name, _ENDS[status], why)
        close_tracked_run(place, mlflow_run, status)
    return mlflow_run


def _fit(run: RunSpec, share: Share, wait_s: float, mlflow_run: str) -> None:
    with progress_shown(run, lambda: lacks_room(live_nodes(), run.workers, share)) as board:
        config = {
            "run": run.model_dump(mode="json"),
            "mlflow_run": mlflow_run,
            "cpus": share.threads,
            "board": board,
        }
        result = fit(run, _worker_main, config, share.resources, wait_s)
    publish_result(run, result)


def fit(
    run: RunSpec,
    worker_main: Callable[[dict[str, Any]], dict[str, Any]],
    config: dict[str, Any],
    resources: dict[str, float],
    wait_s: float,
) -> ray.train.Result:
    """Run `worker_main(config)` on the run's workers, on lost ones again, with its directory as Ray Train's storage.

    Args:
        run: claimed; where it was stopped, `ray.train.get_checkpoint()` gives its last checkpoint.
        worker_main: what returns ``{"failed": sentence}`` where trying again cannot help, and raises where it may.
        config: its argument.
        resources: of each worker, as Ray counts them: CPU, GPU.
        wait_s: seconds to wait for room where the cluster has none; not counted as a failure.

    Raises:
        Failed: training broke down, more workers were lost than the recipe allows, or the cluster had no room for them.
    """
    training = run.recipe.training
    timeout = float(os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", str(START_TIMEOUT_S)))
    starts = startup_failures(wait_s, timeout, training.max_failures)
    trainer = ray.train.torch.TorchTrainer(
        worker_main,
        train_loop_config=config,
        scaling_config=ScalingConfig(num_workers=run.workers, use_gpu="GPU" in resources, resources_per_worker=resources),
        run_config=RunConfig(
            name=run.name,
            **_storage(Locations(run.root)),
            # Controller errors are retried without limit by default: an impossible request would hang, not fail.
            failure_config=FailureConfig(max_failures=training.max_failures, controller_failure_limit=starts),
            checkpoint_config=CheckpointConfig(num_to_keep=training.keep_checkpoints),
            # Its errors are tracebacks of what is tried again; what ends the run is raised below.
            logging_config=LoggingConfig(log_level="CRITICAL"),
        ),
    )
    try:
        with _interrupts_after_fit():
            result = trainer.fit()
    except ray.train.TrainingFailedError as error:
        raise Failed(
            f"run {run.name}: {_cause(error, run, starts * timeout)}; start it again with --name {run.name} to go on from its "
            "last checkpoint"
        ) from error
    broken = (result.return_value or {}).get("failed")
    if broken:
        raise Failed(f"run {run.name}: {broken}")
    return result


def _cause(error: ray.train.TrainingFailedError, run: RunSpec, waited_s: float) -> str:
    if isinstance(error, ControllerError) and isinstance(error.controller_failure, WorkerGroupStartupTimeoutError):
        return f"its node was lost, and room for {run.workers} workers did not come back within {format_duration(waited_s)}"
    if is_disk_full(error):
        return "the disk is full"
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def publish_result(run: RunSpec, result: ray.train.Result) -> None:
    """Publish the model of the last checkpoint as the run's. Failed if there is none."""
    if result.checkpoint is None:
        raise Failed(f"run {run.name}: it ended without a checkpoint")
    with result.checkpoint.as_directory() as folder:
        publish_model(run.root, run.name, Path(folder) / MODEL)


def _storage(locations: Locations) -> dict[str, Any]:
    """Where Ray Train keeps runs: a folder, or a bucket through our store with its retries."""
    if locations.root.startswith("file://"):
        return {"storage_path": locations.runs.removeprefix("file://")}
    return {
        "storage_path": locations.runs.removeprefix(f"{locations.root}/"),
        "storage_filesystem": as_arrow(open_store(locations.root)),
    }


@contextmanager
def _interrupts_after_fit() -> Iterator[None]:
    """Raise KeyboardInterrupt after Ray Train's orderly abort on Ctrl-C, which exits with 0, and restore the signal handler."""
    main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if main_thread:
            signal.signal(signal.SIGINT, handler)


def _worker_main(config: dict[str, Any]) -> dict[str, Any]:
    """Entry point of every Ray Train worker. A failure that a retry cannot fix is returned, not raised."""
    run = RunSpec.model_validate(config["run"])
    # Ray names the logger that announces every report of every worker after a file, so only the root's level reaches it.
    logging.getLogger().setLevel(logging.WARNING)
    context = ray.train.get_context()
    rank = context.get_world_rank()
    worker = WorkerContext(rank, context.get_world_size(), ray.train.torch.get_device(), config["cpus"])
    tracker = Tracker(mlflow_place(Locations(run.root)), config["mlflow_run"]) if rank == 0 else None
    checkpoint, report = ray.train.get_checkpoint(), sender(config["board"], run.recipe.steps)
    try:
        if checkpoint is None:
            run_worker(run, worker, None, report_checkpoint, tracker, report)
        else:
            if rank == 0:
                ray.get(config["board"].put.remote(int(Path(checkpoint.path).name.removeprefix(STEP)), {}))
            with checkpoint.as_directory() as folder:
                run_worker(run, worker, Path(folder), report_checkpoint, tracker, report)
    except (Failed, InputError) as error:
        return {"failed": str(error)}
    return {}


def report_checkpoint(folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
    """Hand a checkpoint to Ray Train, which uploads it while training goes on and then removes the local copy."""
    ray.train.report(
        {"step": step, **metrics},
        checkpoint=Checkpoint.from_directory(str(folder)) if folder else None,
        checkpoint_dir_name=f"{STEP}{step:09d}",
        checkpoint_upload_mode=CheckpointUploadMode.ASYNC,
        delete_local_checkpoint_after_upload=True,
    )
