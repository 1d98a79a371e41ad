"""Ray Train around the loop: two workers, a worker killed in the middle, MLflow, and the final model."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from rayfill.cluster.live_nodes import live_nodes
from rayfill.cluster.placement import Node, Share
from rayfill.inference.model_card import load_card
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.training.on_ray import train_on_ray
from rayfill.training.run_directory import claim
from tests.training.two_processes import digest_of, two_processes

pytestmark = pytest.mark.usefixtures("ray_cluster")


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


@pytest.mark.long  # until it was seen with elastic workers on a quiet machine
def test_a_run_whose_worker_is_killed_ends_with_the_weights_of_one_left_alone(
    small_root: Path, small_run: Callable[..., RunSpec], tmp_path: Path
) -> None:
    steps = ["phases.0.steps=60", "training.checkpoint_every=5", "training.log_every=5", "training.grid_every=60"]
    alone, _ = two_processes(small_run(*steps, run="alone", workers=2), tmp_path)

    run = claim(small_run(*steps, run="killed", workers=2))
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker_at, args=(small_root / "runs" / "killed" / "step-000000005", killed))
    killer.start()
    mlflow_run = train_on_ray(run, Share(1, gpus=0), 0.0, 5.0)
    killer.join()

    assert killed, "the test must have killed a worker"
    model = small_root / "runs" / "killed" / "model"
    assert digest_of(load_file(model / "weights.safetensors")) == alone.weights
    card = load_card(model)
    assert (card.lineage.run, card.lineage.step, card.lineage.workers) == ("killed", 60, 2)

    place = mlflow_place(Locations(run.root))
    tracked = client(place).get_run(mlflow_run)
    assert tracked.info.status == "FINISHED"
    assert tracked.data.tags["rayfill.dataset_digest"] == run.dataset_digest
    assert tracked.data.params["training.seed"] == "0"
    history = client(place).get_metric_history(mlflow_run, "generator/reconstruction")
    assert sorted({m.step for m in history}) == list(range(5, 61, 5))
    assert any("samples" in f.path for f in client(place).list_artifacts(mlflow_run, "images"))

    with pytest.raises(InputError, match="that run is finished; a run's name is never used again"):
        claim(small_run(*steps, run="killed", workers=2))


def test_live_nodes_are_what_the_cluster_has() -> None:
    assert live_nodes() == [Node(cpus=2, gpus=0)]
