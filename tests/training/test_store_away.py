"""The object store is away for 20 seconds in the middle of a run: the final weights equal those of an undisturbed run."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import boto3
import pytest
import torch

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import Failed
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.storage.retry import RetryPolicy
from rayfill.storage.s3 import S3Store
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, run_worker
from tests.fault_proxy import FaultProxy
from tests.killable_store import KillableStore
from tests.photographs import write_photographs
from tests.training.test_worker_run import equal

WORKER = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=2)
AWAY_S = 20
STEPS, BREAKS_AT = 40, 10
Run = Callable[..., TrainState]


class Uploading:
    """Puts checkpoints into the store beside the training, as Ray Train does. At one of them something happens first."""

    def __init__(self, place: str, happens: Callable[[], None]) -> None:
        self._store, self._happens = open_store(place), happens
        self._pool = ThreadPoolExecutor(1)
        self._uploads: list[Future[None]] = []

    def __call__(self, folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
        assert folder is not None
        if step == BREAKS_AT:
            self._happens()
        self._uploads.append(self._pool.submit(self._upload, folder, step))

    def _upload(self, folder: Path, step: int) -> None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._store.upload(f"step-{step:09d}/{path.relative_to(folder)}", path)

    def finish(self) -> None:
        """Wait for what is still under way; its error, if there is one."""
        self._pool.shutdown()
        for upload in self._uploads:
            upload.result()


@pytest.fixture
def run_in_bucket(small_run: Callable[..., RunSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """`run_in_bucket(url)` makes a dataset of many small shards there and gives `run(name, happens)`, which trains on it with a
    cold cache and puts its checkpoints there."""

    def prepared(url: str) -> Run:
        source = write_photographs(tmp_path / "photographs", 160)
        spec = IngestSpec(val_share=0.1, shard_mib=0.005, near_bits=0)
        manifest = ingest(str(source), f"{url}/datasets/photos", spec, run_inline).manifest
        assert len(manifest.of_split("train")) > 30

        def run(name: str, happens: Callable[[], None] = lambda: None) -> TrainState:
            (tmp_path / name).mkdir()
            monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
            steps = (f"phases.0.steps={STEPS}", f"training.checkpoint_every={BREAKS_AT}", "training.grid_every=1000")
            changes = {
                "name": name,
                "root": url,
                "dataset": f"{url}/datasets/photos",
                "dataset_digest": manifest.dataset_digest,
            }
            saves = Uploading(f"{url}/runs/{name}", happens)
            try:
                return run_worker(small_run(*steps).model_copy(update=changes), WORKER, None, saves, None)
            finally:
                saves.finish()

        return run

    return prepared


def copies(folder: Path) -> int:
    """Whole shards in the cache of the run whose temporary files lie there."""
    return len(list(folder.glob("rayfill-cache-*/*.tar")))


def checkpoint_bytes(url: str, name: str) -> bytes:
    return open_store(f"{url}/runs/{name}").read(f"step-{STEPS:09d}/model/weights.safetensors")


def waited_for(caplog: pytest.LogCaptureFixture, part: str) -> list[str]:
    """Objects that were waited for so long that the log says so."""
    return [r.message for r in caplog.records if ": no answer for " in r.message and part in r.message.partition(": no")[0]]


def test_a_run_whose_store_is_away_for_20_seconds_ends_with_the_weights_of_a_quiet_one(
    run_in_bucket: Callable[..., Run],
    s3_faults: FaultProxy,
    s3_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = run_in_bucket(s3_url)
    undisturbed = run("undisturbed")
    shards, here = len(open_dataset(f"{s3_url}/datasets/photos").shards("train")), []

    def away() -> None:
        here.append(copies(tmp_path / "disturbed"))
        s3_faults.away(AWAY_S)

    with caplog.at_level(logging.WARNING):
        began = time.monotonic()
        disturbed = run("disturbed", away)
    assert time.monotonic() - began > AWAY_S
    assert here[0] < shards - 5, "much was still to be read when the store went"
    assert waited_for(caplog, "/datasets/photos/"), "the run has waited for samples, not only for its checkpoint"
    assert waited_for(caplog, "/runs/disturbed/step-000000010/"), "and its checkpoint has waited, too"
    assert equal(undisturbed, disturbed)
    assert checkpoint_bytes(s3_url, "undisturbed") == checkpoint_bytes(s3_url, "disturbed")


def test_a_run_whose_store_is_killed_and_started_again_ends_with_the_weights_of_a_quiet_one(
    run_in_bucket: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = KillableStore(tmp_path / "requests")
    keys = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "anyone", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT_URL": store.url}.items():
        monkeypatch.setenv(name, value)
    try:
        boto3.client("s3").create_bucket(Bucket="team")
        run = run_in_bucket("s3://team/root")
        undisturbed = run("undisturbed")
        with ThreadPoolExecutor(1) as beside:
            outage: list[Future[None]] = []
            disturbed = run("disturbed", lambda: outage.append(beside.submit(store.away, 8)))
        outage[0].result()
        assert waited_for(caplog, "/datasets/photos/")
        assert equal(undisturbed, disturbed)
        assert checkpoint_bytes("s3://team/root", "undisturbed") == checkpoint_bytes("s3://team/root", "disturbed")
    finally:
        store.kill()


def test_with_less_patience_the_same_run_stops_with_a_sentence(
    run_in_bucket: Callable[..., Run], s3_faults: FaultProxy, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in_bucket(s3_url)
    monkeypatch.setattr("rayfill.storage.open_store.S3Store", partial(S3Store, retries=RetryPolicy(connect_s=0.5, total_s=0.5)))
    with pytest.raises(Failed, match=r"^s3://\S+: the connection to the store was lost and not restored in time \(\w+\)"):
        run("disturbed", s3_faults.stop)
