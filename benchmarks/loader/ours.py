"""rayfill's loader: threads in this process, samples by offset, resumed by a step number."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.loader.contestant import BATCH, PREFETCH, SEED, SPLIT, Batch, Contestant, Job, check
from benchmarks.loader.square import IMAGES, masks
from rayfill.data.dataset import MANIFEST, Dataset, digest_of, open_dataset
from rayfill.data.loader import Loader

COPIES = 1000
"""How often the shards are repeated for the large epoch."""


class Ours(Contestant):
    """Reads the dataset as it was ingested."""

    decoder = "ours"
    resumes = "a step number"

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        """A copy of the dataset's training split."""
        shards = dataset.shards(SPLIT)
        for shard in shards:
            dataset.shard_store.download(shard.path, _made(folder / shard.path))
            dataset.store.download(shard.index, _made(folder / shard.index))
        _write_manifest(dataset, folder, shards)

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        with self._loader(job) as loader:
            loader.load_state_dict(state or {"step": 0})
            for batch in loader:
                yield batch.image, batch.mask

    def state(self, job: Job, batches: int) -> dict[str, int]:
        """The number itself."""
        return {"step": batches}

    def measure(self, job: Job) -> dict[str, float]:
        """Adds `whole`: images/s over the timed batches with opening and closing the loader, which the bare loop has not."""
        row = super().measure(job)
        begin = time.perf_counter()
        with self._loader(job) as loader:
            loader.load_state_dict({"step": first_timed(job)})
            for _ in zip(range(job.batches), loader, strict=False):
                pass
        return row | {"whole": job.batches * BATCH / (time.perf_counter() - begin)}

    def resume_large(self, job: Job) -> dict[str, float]:
        """Seconds to the first batch in the middle of an epoch of 1,000 times as many shards: as many files, linked."""
        folder = Path(job.cache) / "large"
        small = open_dataset(job.place)
        shards = [
            shard.model_copy(update={"path": f"{copy}/{shard.path}"}) for copy in range(COPIES) for shard in small.shards(SPLIT)
        ]
        for shard in shards:
            os.link(Path(job.place) / shard.path.partition("/")[2], _made(folder / shard.path))
        for shard in small.shards(SPLIT):
            os.link(Path(job.place) / shard.index, _made(folder / shard.index))
        _write_manifest(small, folder, tuple(shards))
        large = replace(job, place=str(folder))
        begin = time.perf_counter()
        with self._loader(large) as loader:
            loader.load_state_dict({"step": loader.steps_per_epoch // 2})
            batch = next(iter(loader))
            seconds = time.perf_counter() - begin
        check((batch.image, batch.mask))
        return {"seconds": seconds, "photographs": sum(shard.samples for shard in shards)}

    def _loader(self, job: Job) -> Loader:
        return Loader(
            open_dataset(job.place, Path(job.cache)), SPLIT, seed=SEED, batch_size=BATCH, rank=0, world=1, images=IMAGES,
            masks=masks(), threads=job.threads, prefetch=PREFETCH, pin=False,
        )  # fmt: skip


def first_timed(job: Job) -> int:
    """The step of the first timed batch."""
    return 1 + job.warm


def _write_manifest(dataset: Dataset, folder: Path, shards: tuple[Any, ...]) -> None:
    samples = {SPLIT: sum(shard.samples for shard in shards)}
    changed = {"shards": shards, "samples": samples, "shards_at": None, "dataset_digest": digest_of(shards)}
    (folder / MANIFEST).write_text(json.dumps(dataset.manifest.model_copy(update=changed).model_dump(mode="json")))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
