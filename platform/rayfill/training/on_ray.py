"""Run the training loop under Ray Train V2: workers, process group, checkpoints, replacement of lost workers."""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
import ray.train
import ray.train.torch
from ray.exceptions import RayError
from ray.train import (
    CheckpointConfig,
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
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.spec.run_progress import RunPhase
from rayfill.storage.arrow_filesystem import as_arrow
from rayfill.storage.disk_full import is_disk_full
from rayfill.storage.open_store import open_store
from rayfill.training.capacity import startup_failures
from rayfill.training.elastic_on_ray import LOOK_S, ElasticTrainer
from rayfill.training.monitoring.progress_file import end_progress
from rayfill.training.progress_on_ray import POLL_S, progress_shown
from rayfill.training.publish import publish_from
from rayfill.training.tracking import close_tracked_run, open_tracked_run
from rayfill.training.worker_on_ray import worker_main

_ENDS: Mapping[str, RunPhase] = {"FINISHED": "finished", "KILLED": "stopped", "FAILED": "failed"}
"""A run's end in `progress.json` by its status in MLflow."""
_WITHOUT_LIMIT = -1
"""Ray's word for it."""
START_TIMEOUT_S = 30.0
"""Seconds after which a start of all workers is tried again; the controller does not answer while it waits for room."""


def train_on_ray(run: RunSpec, share: Share, wait_s: float, grace_s: float) -> str:
    """Train to the end, replacing lost workers, and publish the final model in the run's directory.

    A run that was stopped goes on from its last checkpoint: Ray Train finds it by the run's name.

    Args:
        run: claimed.
        share: what each worker gets.
        wait_s: seconds to wait for room after workers were lost with their node.
        grace_s: seconds that a stop signal gives the workers to save a checkpoint.

    Returns:
        The id of the run's MLflow run.

    Raises:
        Failed: training broke down (a NaN, or more lost workers than the recipe allows).
        KeyboardInterrupt: it was told to stop; it has saved a checkpoint if there was time.
    """
    place = mlflow_place(Locations(run.root))
    mlflow_run = open_tracked_run(place, run)
    status, why = "FAILED", None
    try:
        _fit(run, share, wait_s, mlflow_run, grace_s)
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


def _fit(run: RunSpec, share: Share, wait_s: float, mlflow_run: str, grace_s: float) -> None:
    with progress_shown(run, lambda: lacks_room(live_nodes(), run.least_workers, share)) as board:
        config = {
            "run": run.model_dump(mode="json"),
            "mlflow_run": mlflow_run,
            "cpus": share.threads,
            "board": board,
        }

        def leave() -> float:
            board.leave.remote()
            print(f"stopping: the workers save a checkpoint, within {format_duration(grace_s)}", file=sys.stderr, flush=True)
            return grace_s

        try:
            result = fit(run, worker_main, config, share.resources, wait_s, leave)
        except Failed as error:
            why = None
            with suppress(RayError):
                why = ray.get(board.why.remote(), timeout=POLL_S)
            raise Failed(f"{error}; {why}") if why and why not in str(error) else error from None
    if (result.return_value or {}).get("left"):
        raise KeyboardInterrupt
    publish_result(run, result)


def fit(
    run: RunSpec,
    worker_main: Callable[[dict[str, Any]], dict[str, Any]],
    config: dict[str, Any],
    resources: dict[str, float],
    wait_s: float,
    leave: Callable[[], float] = lambda: 0.0,
) -> ray.train.Result:
    """Run `worker_main(config)` on the run's workers, on lost ones again, with its directory as Ray Train's storage.

    Args:
        run: claimed; where it was stopped, `ray.train.get_checkpoint()` gives its last checkpoint.
        worker_main: what returns ``{"failed": sentence}`` where trying again cannot help, and raises where it may.
        config: its argument.
        resources: of each worker, as Ray counts them: CPU, GPU.
        wait_s: seconds to wait for room where the cluster has none; not counted as a failure.
        leave: called at a stop signal; tells the workers to return, and answers how many seconds they have.

    Raises:
        Failed: training broke down, more workers were lost than the recipe allows, or the cluster had no room for them.
    """
    training = run.recipe.training
    timeout = float(os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", str(START_TIMEOUT_S)))
    starts = startup_failures(wait_s, timeout, training.max_failures)
    trainer = ElasticTrainer(
        worker_main,
        train_loop_config=config,
        scaling_config=ScalingConfig(
            num_workers=(run.min_workers, run.workers) if run.min_workers else run.workers,
            elastic_resize_monitor_interval_s=LOOK_S,
            use_gpu="GPU" in resources,
            resources_per_worker=resources,
        ),
        run_config=RunConfig(
            name=run.name,
            **_storage(Locations(run.root)),
            # Controller errors are retried without limit by default: an impossible request would hang, not fail.
            failure_config=FailureConfig(
                max_failures=training.max_failures,
                max_preemption_failures=_WITHOUT_LIMIT if training.max_preemptions is None else training.max_preemptions,
                controller_failure_limit=starts,
            ),
            checkpoint_config=CheckpointConfig(num_to_keep=training.keep_checkpoints),
            # Its errors are tracebacks of what is tried again; what ends the run is raised below.
            logging_config=LoggingConfig(log_level="CRITICAL"),
        ),
    )
    trainer.board = config.get("board")
    try:
        result = _fit_interruptibly(trainer, leave)
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
        return (
            f"its node was lost, and room for {run.least_workers} workers did not come back within {format_duration(waited_s)}"
        )
    if is_disk_full(error):
        return "the disk is full"
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def publish_result(run: RunSpec, result: ray.train.Result) -> None:
    """Publish the model of the last checkpoint, or of the best one where the recipe says so, as the run's. Failed if none."""
    if result.checkpoint is None:
        raise Failed(f"run {run.name}: it ended without a checkpoint")
    with result.checkpoint.as_directory() as folder:
        publish_from(run, Path(folder))


def _storage(locations: Locations) -> dict[str, Any]:
    """Where Ray Train keeps runs: a folder, or a bucket through our store with its retries."""
    if locations.root.startswith("file://"):
        return {"storage_path": locations.runs.removeprefix("file://")}
    return {
        "storage_path": locations.runs.removeprefix(f"{locations.root}/"),
        "storage_filesystem": as_arrow(open_store(locations.root)),
    }


def _fit_interruptibly(trainer: ray.train.torch.TorchTrainer, leave: Callable[[], float]) -> ray.train.Result:
    """`trainer.fit()` in a thread, where Ray leaves Ctrl-C to us: its own answer to it throws the steps since the last
    checkpoint away."""
    if threading.current_thread() is not threading.main_thread():
        return trainer.fit()
    outcome: list[ray.train.Result | BaseException] = []

    def run() -> None:
        try:
            outcome.append(trainer.fit())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="Ray Train", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_S)
    except KeyboardInterrupt:
        thread.join(leave())  # a second Ctrl-C ends this wait
        if not outcome or isinstance(outcome[0], BaseException):
            raise
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
