"""Ray Train around the loop: two workers, a worker killed in the middle, MLflow, and the final model."""

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rayfill.inference.model_card import load_card
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.training.on_ray import live_nodes, train_on_ray
from rayfill.training.run_directory import claim
from rayfill.training.share import Node, Share

pytestmark = pytest.mark.usefixtures("ray_cluster")


def weights_digest(root: Path, run: str) -> str:
    return hashlib.sha256((root / "runs" / run / "model" / "weights.safetensors").read_bytes()).hexdigest()


def kill_a_worker_at(checkpoint: Path, done: list[int]) -> None:
    """SIGKILL one of this session's own train workers once the checkpoint is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not checkpoint.exists():
        time.sleep(0.05)
    for process in psutil.Process().children(recursive=True):
        if "RayTrainWorker" in " ".join(process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
            done.append(process.pid)
            return


def test_a_run_whose_worker_is_killed_ends_with_the_weights_of_one_left_alone(
    small_root: Path, small_run: Callable[..., RunSpec]
) -> None:
    steps = ["phases.0.steps=60", "training.checkpoint_every=5", "training.log_every=5", "training.grid_every=60"]
    alone = claim(small_run(*steps, run="alone", workers=2))
    mlflow_run = train_on_ray(alone, Share(1, gpu=False), 0.0)

    slowed = claim(small_run(*steps, run="killed", workers=2))
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker_at, args=(small_root / "runs" / "killed" / "step-000000005", killed))
    killer.start()
    train_on_ray(slowed, Share(1, gpu=False), 0.0)
    killer.join()

    assert killed, "the test must have killed a worker"
    assert weights_digest(small_root, "alone") == weights_digest(small_root, "killed")
    card = load_card(small_root / "runs" / "killed" / "model")
    assert (card.lineage.run, card.lineage.step, card.lineage.workers) == ("killed", 60, 2)

    place = mlflow_place(Locations(alone.root))
    tracked = client(place).get_run(mlflow_run)
    assert tracked.info.status == "FINISHED"
    assert tracked.data.tags["rayfill.dataset_digest"] == alone.dataset_digest
    assert tracked.data.params["training.seed"] == "0"
    history = client(place).get_metric_history(mlflow_run, "generator/reconstruction")
    assert [m.step for m in history] == list(range(5, 61, 5))
    assert any("samples" in f.path for f in client(place).list_artifacts(mlflow_run, "images"))

    with pytest.raises(InputError, match="that run is finished; a run's name is never used again"):
        claim(small_run(*steps, run="alone", workers=2))


def test_live_nodes_are_what_the_cluster_has() -> None:
    assert live_nodes() == [Node(cpus=2, gpus=0)]
