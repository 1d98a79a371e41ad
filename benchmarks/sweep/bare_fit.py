"""The reference for a trial of several workers: a `TorchTrainer.fit()` of the same training and nothing around it."""

import time
from typing import Any

import ray.train
import ray.train.torch

from rayfill.spec.run import RunSpec
from rayfill.training.worker import WorkerContext, run_worker
from rayfill.training.worker_on_ray import report_checkpoint


def bare_fit_s(run: RunSpec, storage: str) -> float:
    """Wall seconds of Ray Train with the run's workers, one CPU each, no tracking; `storage` is where its checkpoints go."""
    trainer = ray.train.torch.TorchTrainer(
        _worker_main,
        train_loop_config={"run": run.model_dump(mode="json")},
        scaling_config=ray.train.ScalingConfig(num_workers=run.workers, resources_per_worker={"CPU": 1}),
        run_config=ray.train.RunConfig(
            name=f"bare-{time.time_ns()}",  # one that it knows it would only resume
            storage_path=storage,
            logging_config=ray.train.LoggingConfig(log_level="WARNING"),
        ),
    )
    began = time.perf_counter()
    trainer.fit()
    return time.perf_counter() - began


def _worker_main(config: dict[str, Any]) -> None:
    context = ray.train.get_context()
    place = WorkerContext(context.get_world_rank(), context.get_world_size(), ray.train.torch.get_device(), 1)
    run_worker(RunSpec.model_validate(config["run"]), place, None, report_checkpoint, None)
