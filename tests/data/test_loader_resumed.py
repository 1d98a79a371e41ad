"""Loader resumed at a step: the same batches, with photographs of any format, and no sample read to be skipped."""

import hashlib
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rayfill.data.batch import Batch
from rayfill.data.dataset import Dataset
from rayfill.data.loader import SHARDS_AHEAD, Loader
from rayfill.data.sampler import SamplePosition, ShardSampler
from rayfill.spec.dataset import Shard
from rayfill.spec.masks import FreeForm, MaskMix, Rectangle
from rayfill.spec.recipe import Images

MIX = MaskMix(families=(Rectangle(kind="rectangle"), FreeForm(kind="free_form")))
SEED, BATCH, STEPS = 3, 12, 9


def photograph(number: int) -> bytes:
    """A JPEG, PNG or WebP of its own size; every seventh is none of them."""
    if number % 7 == 5:
        return f"no photograph {number}".encode()
    pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((40 + number, 36), Image.Resampling.BILINEAR).save(file, ("JPEG", "PNG", "WEBP")[number % 3])
    return file.getvalue()


@pytest.fixture
def mixed(pack: Callable[..., Dataset]) -> Dataset:
    """55 samples in shards of 20, 3, 15, 9 and 8: an epoch is four batches of 12."""
    numbers = iter(range(55))
    return pack(
        *([(f"{number:016x}", photograph(number)) for number in itertools.islice(numbers, n)] for n in (20, 3, 15, 9, 8))
    )


def open_loader(dataset: Dataset, **changes: Any) -> Loader:
    options: dict[str, Any] = {
        "seed": SEED, "batch_size": BATCH, "rank": 0, "world": 1, "images": Images(size=32, resize="crop", flip=True),
        "masks": MIX, "threads": 2, "prefetch": 2, "pin": False,
    }  # fmt: skip
    return Loader(dataset, "train", **(options | changes))


def prints(batch: Batch) -> list[tuple[str, str]]:
    """Each sample's id and a fingerprint of its pixels and mask."""
    pictures = [image.numpy().tobytes() + mask.numpy().tobytes() for image, mask in zip(batch.image, batch.mask, strict=True)]
    return list(zip(batch.ids, (hashlib.sha256(p).hexdigest() for p in pictures), strict=True))


def seen(dataset: Dataset, begin: int, steps: int, world: int = 1, **changes: Any) -> list[list[tuple[str, str]]]:
    """The global batches of some steps as `world` ranks see them that begin there."""
    shares = []
    for rank in range(world):
        with open_loader(dataset, rank=rank, world=world, **changes) as loader:
            loader.load_state_dict({"step": begin})
            shares.append([prints(batch) for batch in itertools.islice(loader, steps)])
    return [list(itertools.chain(*batches)) for batches in zip(*shares, strict=True)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(1, 4), st.integers(1, 3), st.integers(0, STEPS - 1))
def test_ranks_threads_prefetch_and_a_resume_change_no_sample_of_any_format(
    mixed: Dataset, world: int, threads: int, prefetch: int, begin: int
) -> None:
    whole = seen(mixed, 0, STEPS)
    assert seen(mixed, begin, STEPS - begin, world, threads=threads, prefetch=prefetch) == whole[begin:]


@pytest.mark.parametrize(("before", "after"), [(2, 3), (4, 1), (1, 6)])
def test_a_run_that_is_stopped_within_an_epoch_goes_on_with_another_number_of_ranks(
    mixed: Dataset, before: int, after: int
) -> None:
    first = seen(mixed, 0, 6, before)
    assert first + seen(mixed, 6, STEPS - 6, after) == seen(mixed, 0, STEPS)


class Counting:
    """A store that writes down what is fetched from it. It is no LocalStore, so that shards are fetched."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.fetched: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("read", "download", "copy_to"):
            return found

        def counted(key: str, *more: Any) -> Any:
            self.fetched.append(key)
            return found(key, *more)

        return counted


def test_resuming_reads_the_samples_of_its_batches_and_only_the_next_shards_ahead(
    pack: Callable[..., Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pack(*([(f"{s}-{n}", photograph(n % 5)) for n in range(10)] for s in range(30)))
    store = Counting(whole.store)
    dataset = Dataset(store, whole.manifest, tmp_path / "another-cache")
    read: set[tuple[str, int]] = set()
    real = dataset.reader.read
    monkeypatch.setattr(dataset.reader, "read", lambda shard, number: read.add((shard.path, number)) or real(shard, number))
    with open_loader(dataset, rank=2, world=6, prefetch=1) as loader:
        loader.load_state_dict({"step": 1017})
        assert not read
        assert not store.fetched
        ids = [name for batch in itertools.islice(loader, 2) for name in batch.ids]
    order, shards = ShardSampler([10] * 30, SEED, BATCH, cached_permutations=2), dataset.shards("train")
    # The third batch is begun ahead: how much of it was read depends on the threads.
    taken, begun = ([p for step in steps for p in order.batch(step, range(4, 6))] for steps in ((1017, 1018), (1019,)))
    assert ids == [f"{p.shard}-{p.number}" for p in taken]
    assert samples(taken, shards) <= read <= samples(taken + begun, shards)
    ahead = [number for step in (1017, 1018) for number in order.prefetched(step, range(4, 6), SHARDS_AHEAD)]
    prefetched_batches = {key for number in ahead for key in (shards[number].path, shards[number].index)}
    assert files(taken, shards) <= set(store.fetched) <= files(taken + begun, shards) | prefetched_batches
    assert len(prefetched_batches | files(taken + begun, shards)) < len(shards), "shards that are far off are left alone"


def samples(places: list[SamplePosition], shards: Sequence[Shard]) -> set[tuple[str, int]]:
    return {(shards[p.shard].path, p.number) for p in places}


def files(places: list[SamplePosition], shards: Sequence[Shard]) -> set[str]:
    return {key for p in places for key in (shards[p.shard].path, shards[p.shard].index)}
