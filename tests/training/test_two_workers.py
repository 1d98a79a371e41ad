"""Two workers are one: the mean of their gradients is that of the whole batch, so the losses are those of a single worker."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import simplejpeg
import torch

from rayfill.data.dataset import MANIFEST, Dataset, digest_of, open_dataset
from rayfill.data.shards.writer import ShardWriter
from rayfill.spec.dataset import IngestSpec, Manifest
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.training.worker import WorkerContext, run_worker
from tests.photographs import picture
from tests.training.two_processes import two_processes


def corrupt_dataset(place: Path, samples: int, broken: tuple[int, ...]) -> Dataset:
    """A dataset of one shard, in which samples of these numbers are no pictures."""
    store, writer = open_store(place), ShardWriter(place.parent / "shard.tar")
    for number in range(samples):
        jpeg = simplejpeg.encode_jpeg(picture(number), colorspace="RGB")
        writer.add(f"{number:016x}", b"no picture" if number in broken else jpeg)
    shard = writer.store(store, "train", 0)
    assert shard is not None
    manifest = Manifest(
        format="rayfill-dataset-1",
        dataset_digest=digest_of((shard,)),
        source="file:///nowhere",
        spec=IngestSpec(),
        shards=(shard,),
        samples={"train": samples},
        converted={},
        skipped=(),
    )
    store.write(MANIFEST, manifest.model_dump_json().encode())
    return open_dataset(str(place))


def test_two_workers_see_the_losses_of_one(small_run: Callable[..., RunSpec], tmp_path: Path) -> None:
    steps = ["training.checkpoint_every=1", "phases.0.steps=4"]
    alone: list[dict[str, float]] = []

    def save(_: Path | None, __: int, metrics: Mapping[str, float]) -> None:
        alone.append(dict(metrics))

    run_worker(small_run(*steps), WorkerContext(0, 1, torch.device("cpu"), 1), None, save, None)

    both = [worker.metrics for worker in two_processes(small_run(*steps, workers=2), tmp_path)]
    names = [name for name in alone[0] if name not in ("images_per_s", "data_wait")]
    for step, single in enumerate(alone):
        for name in names:
            assert both[0][step][name] == both[1][step][name], "every worker is told the same"
            # Adam divides by the gradient's size, so the last bits of a sum come back larger step by step.
            assert both[0][step][name] == pytest.approx(single[name], rel=1e-4 * 10**step), (step, name)


def test_samples_that_cannot_be_decoded_are_counted_over_all_workers(small_run: Callable[..., RunSpec], tmp_path: Path) -> None:
    dataset = corrupt_dataset(tmp_path / "dataset", samples=24, broken=(3, 17))
    changes = {"dataset": dataset.store.url, "dataset_digest": dataset.digest}
    run = small_run("training.checkpoint_every=1", "phases.0.steps=12").model_copy(update=changes)
    alone: list[dict[str, float]] = []
    run_worker(run, WorkerContext(0, 1, torch.device("cpu"), 1), None, lambda _, __, row: alone.append(dict(row)), None)
    assert alone[-1]["unreadable_samples"] == 2
    both = [worker.metrics for worker in two_processes(run.model_copy(update={"workers": 2}), tmp_path)]
    assert both[0][-1]["unreadable_samples"] == both[1][-1]["unreadable_samples"] >= 2
