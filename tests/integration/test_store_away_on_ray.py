"""A run on Ray Train whose bucket goes away twice: under the shards that it reads, and under a checkpoint that it writes."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import ray
import torch

from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.training.run_directory import claim
from rayfill.training.whole_run import prepare_run
from rayfill.training.worker import WorkerContext, run_worker
from tests.conftest import SMALL
from tests.fault_proxy import Exchange, FaultProxy
from tests.photographs import write_photographs

AWAY_S = 6
STEPS, SAVED_AT = 40, 10
PATIENT_S = 400  # on a busy machine Ray Train takes minutes to begin and to end

# A driver of its own, because a job's processes get the variables that lead to the bucket when it begins.
DRIVER = """
import os, sys
import ray
from rayfill.spec.run import RunSpec
from rayfill.training.on_ray import train_on_ray
from rayfill.cluster.placement import Share

passed = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MLFLOW_", "TMPDIR"))}
ray.init(address=sys.argv[1], runtime_env={"env_vars": passed | {"RAY_ADDRESS": sys.argv[1]}})
train_on_ray(RunSpec.model_validate_json(sys.argv[2]), Share(1, gpus=0), 0.0, 5.0)
"""


def begin(run: RunSpec, folder: Path) -> "subprocess.Popen[bytes]":
    """Train on the session's Ray, with a cold cache of shards and all that is said in `folder`."""
    address = ray.get_runtime_context().gcs_address
    with (folder / "log").open("wb") as log:
        words = [sys.executable, "-c", DRIVER, address, run.model_dump_json()]
        return subprocess.Popen(words, cwd=folder, env=os.environ | {"TMPDIR": str(folder)}, stdout=log, stderr=log)


def goes_away(proxy: FaultProxy, part: str) -> threading.Event:
    """The next request for an object of this name is not answered, and none after it. Set when that has happened."""
    gone = threading.Event()

    def fault(exchange: Exchange) -> None:
        exchange.request.close_connection = True
        proxy.stop()
        gone.set()

    proxy.fail(fault, only=part)
    return gone


def quiet_weights(run: RunSpec) -> bytes:
    """What the same run gives where nothing happens, without Ray."""
    found: list[bytes] = []

    def save(checkpoint: Path | None, step: int, metrics: Mapping[str, float]) -> None:
        assert checkpoint is not None
        found.append((checkpoint / "model" / "weights.safetensors").read_bytes())

    run_worker(run, WorkerContext(0, 1, torch.device("cpu"), 1), None, save, None)
    return found[-1]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("ray_cluster")
def test_a_run_on_ray_whose_store_goes_away_twice_ends_with_the_weights_of_a_quiet_one(
    s3_url: str, s3_faults: FaultProxy, migrated_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(migrated_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    spec = IngestSpec(val_share=0.1, shard_mib=0.005, near_bits=0)
    ingest(str(write_photographs(tmp_path / "photographs", 160)), f"{s3_url}/datasets/photos", spec, run_inline)
    steps = (f"phases.0.steps={STEPS}", f"training.checkpoint_every={SAVED_AT}", "training.grid_every=1000")
    # No worker may be lost: to begin again from a checkpoint is not to wait.
    recipe = load_spec(SMALL / "gdn.yaml", Recipe, ["training.max_failures=0", "training.batch_size=4", *steps])
    run = claim(prepare_run(recipe, "photos", Locations(s3_url), "disturbed", 1))
    (tmp_path / "disturbed").mkdir()
    log = tmp_path / "disturbed" / "log"

    gone = [goes_away(s3_faults, part) for part in ("/shards/train-00003", f"/step-{SAVED_AT:09d}/model/weights")]
    process = begin(run, tmp_path / "disturbed")
    try:
        for event in gone:
            deadline = time.monotonic() + PATIENT_S
            while not event.wait(1):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(AWAY_S)
            assert process.poll() is None, log.read_text()[-3000:]
            s3_faults.start()
        assert process.wait(PATIENT_S) == 0, log.read_text()[-3000:]
    finally:
        process.kill()
    assert open_store(f"{s3_url}/runs/disturbed").read("model/weights.safetensors") == quiet_weights(run)
