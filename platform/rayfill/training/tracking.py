"""Track a training run in MLflow: opened by the driver, written by rank 0."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rayfill.inference.composite import UInt8
from rayfill.registry import tags
from rayfill.registry.mlflow_place import MlflowPlace, client, ensure_experiment
from rayfill.spec.run import RunSpec
from rayfill.storage.retry import DEFAULT_RETRIES, call_with_retries
from rayfill.storage.s3_errors import passes


def open_tracked_run(place: MlflowPlace, run: RunSpec, parent: str | None = None, *, finished: bool = False) -> str:
    """Id of the run's MLflow run: the one of an earlier start if there is one, else a new one with spec and lineage.

    With `parent`, the id of a sweep's MLflow run, MLflow shows it below that one. That of a `finished` run is not set running.
    """
    mlflow = client(place)
    experiment = ensure_experiment(place)
    found = mlflow.search_runs([experiment], filter_string=f"tags.`{tags.RUN}` = '{run.name}'", max_results=1)
    if found:
        if not finished:
            mlflow.update_run(found[0].info.run_id, status="RUNNING")
        return str(found[0].info.run_id)
    lineage = {
        tags.RUN: run.name,
        "rayfill.recipe_digest": run.recipe.digest(),
        "rayfill.mask_digest": run.recipe.masks.digest(),
        "rayfill.dataset": run.dataset,
        "rayfill.dataset_digest": run.dataset_digest,
        "rayfill.code_version": run.code_version,
    }
    if parent is not None:
        lineage[MLFLOW_PARENT_RUN_ID] = parent
    created = mlflow.create_run(experiment, tags=lineage, run_name=run.name)
    run_id = str(created.info.run_id)
    params = [Param(key, value[:6000]) for key, value in flatten(run.recipe.model_dump(mode="json"), "")]
    mlflow.log_batch(run_id, params=params, tags=[RunTag("rayfill.workers", str(run.workers))])
    _waiting_for_bucket(run.name, lambda: mlflow.log_dict(run_id, run.model_dump(mode="json"), "run.json"))
    return run_id


def open_tracked_sweep(place: MlflowPlace, sweep: str, contents: Mapping[str, object]) -> str:
    """Id of the MLflow run of a sweep, under which its trials' runs are shown; `contents` is kept there as sweep.json."""
    mlflow = client(place)
    experiment = ensure_experiment(place)
    found = mlflow.search_runs([experiment], filter_string=f"tags.`{tags.SWEEP}` = '{sweep}'", max_results=1)
    if found:
        mlflow.update_run(found[0].info.run_id, status="RUNNING")
        return str(found[0].info.run_id)
    created = mlflow.create_run(experiment, tags={tags.SWEEP: sweep}, run_name=sweep)
    _waiting_for_bucket(sweep, lambda: mlflow.log_dict(created.info.run_id, dict(contents), "sweep.json"))
    return str(created.info.run_id)


def close_tracked_run(place: MlflowPlace, run_id: str, status: str) -> None:
    """Set the run's final status: FINISHED, FAILED or KILLED."""
    client(place).set_terminated(run_id, status=status)


_AWAY = (MlflowException, OSError, BotoCoreError, ClientError, Boto3Error)
"""What a server or database that does not answer makes MLflow raise, and a bucket, to which it takes pictures by itself."""


class Tracker:
    """Logs metrics and pictures of one run. If MLflow does not answer, rows are buffered until the next call, and none is lost.

    A picture is uploaded with the store's retries; if they fail, the picture is dropped.
    """

    def __init__(self, place: MlflowPlace, run_id: str) -> None:
        self.run_id = run_id
        self._mlflow: MlflowClient = client(place)
        self._waiting: list[Metric] = []
        self._warned = False

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Log one row of metrics at a step."""
        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step) for name, value in values.items()]
        try:
            while self._waiting:
                self._mlflow.log_batch(self.run_id, metrics=self._waiting[:1000])
                self._waiting = self._waiting[1000:]
        except _AWAY as error:
            self._warn(error)

    def picture(self, name: str, step: int, picture: UInt8) -> None:
        """Log an (H,W,3) uint8 picture under a name and a step."""
        try:
            _waiting_for_bucket(name, lambda: self._mlflow.log_image(self.run_id, picture, key=name, step=step))
        except _AWAY as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            print(
                f"MLflow does not answer ({type(error).__name__}); training goes on, metrics wait", file=sys.stderr, flush=True
            )
        self._warned = True


SYSTEM_S = 10.0
"""Seconds between two samples of system metrics."""


@contextmanager
def system_metrics(place: MlflowPlace, run_id: str, node: str | None) -> Iterator[None]:
    """Log CPU, memory, disk, network and GPU of this machine to a run, for the length of the block.

    Args:
        place: the tracking server.
        run_id: MLflow's.
        node: name under `system/` of a machine that is not rank 0's; None for that one, right below `system/`.
    """
    logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
    monitor = SystemMetricsMonitor(
        run_id, sampling_interval=SYSTEM_S, samples_before_logging=1, node_id=node, tracking_uri=place.tracking_uri
    )
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _waiting_for_bucket(what: str, log: Callable[[], object]) -> None:
    """Let MLflow put a file where its files lie. Into a bucket it does that by itself, and waits for none that is away."""
    call_with_retries(
        log, lambda error: DEFAULT_RETRIES.total_s if passes(error) else 0, DEFAULT_RETRIES, f"MLflow's files of {what}"
    )


def flatten(tree: object, prefix: str) -> list[tuple[str, str]]:
    """Dotted keys and text values of nested mappings and lists."""
    if isinstance(tree, dict):
        return [pair for key, value in tree.items() for pair in flatten(value, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        return [pair for i, value in enumerate(tree) for pair in flatten(value, f"{prefix}.{i}")]
    return [(prefix, str(tree))]
