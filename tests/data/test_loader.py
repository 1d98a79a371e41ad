"""Loader: the same batches for any number of ranks and threads, resumed at any step."""

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
import torch

from rayfill.data.augment import Augmentation
from rayfill.data.batch import Batch, SampleMap
from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.images.decode import decode_square
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.loader import Loader
from rayfill.data.staged_sampler import Stage
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from rayfill.spec.masks import Centre, FreeForm, Gray, MaskMix, Rectangle
from rayfill.spec.recipe import Images

MIX = MaskMix(families=(Rectangle(kind="rectangle"), FreeForm(kind="free_form")))


OPTIONS: dict[str, Any] = {
    "seed": 5, "batch_size": 8, "rank": 0, "world": 1, "images": Images(size=32, resize="crop", flip=True), "masks": MIX,
    "threads": 2, "prefetch": 2, "pin": False,
}  # fmt: skip


def open_loader(dataset: Dataset, **changes: Any) -> Loader:
    return Loader(dataset, "train", **(OPTIONS | changes))


def prints(batch: Batch) -> list[tuple[str, str]]:
    """Each sample's id and a fingerprint of its pixels and mask."""
    pictures = [image.numpy().tobytes() + mask.numpy().tobytes() for image, mask in zip(batch.image, batch.mask, strict=True)]
    return list(zip(batch.ids, (hashlib.sha256(p).hexdigest() for p in pictures), strict=True))


def take(loader: Loader, count: int) -> list[list[tuple[str, str]]]:
    return [prints(batch) for batch in itertools.islice(loader, count)]


def joined(shares: list[list[list[tuple[str, str]]]]) -> list[list[tuple[str, str]]]:
    """The global batches that the ranks' batches make."""
    return [list(itertools.chain(*batches)) for batches in zip(*shares, strict=True)]


def test_batches_are_uint8_images_and_masks(dataset: Dataset) -> None:
    with open_loader(dataset) as loader:
        batch = next(iter(loader))
    assert batch.image.shape == (8, 3, 32, 32)
    assert batch.mask.shape == (8, 1, 32, 32)
    assert batch.image.dtype == batch.mask.dtype == torch.uint8
    assert set(batch.mask.unique().tolist()) == {0, 255}
    assert len(set(batch.ids)) == 8
    assert 0 < batch.to(torch.device("cpu"), channels_last=False).image.mean() < 1


def test_a_sample_is_its_photograph_and_255_is_the_hole(dataset: Dataset) -> None:
    images = Images(size=32, resize="squash", flip=False)
    centre = MaskMix(families=(Centre(kind="centre"),))
    photographs = dict(dataset.read("train", n) for n in range(dataset.len_of("train")))
    with open_loader(dataset, images=images, masks=centre) as loader:
        batch = next(iter(loader))
    for image, mask, name in zip(batch.image, batch.mask, batch.ids, strict=True):
        wanted = np.empty((32, 32, 3), np.uint8)
        decode_square(photographs[name], images, Augmentation(0.0, 0.0, False), wanted)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), wanted)
        assert (mask[0, 8:24, 8:24] == 255).all()
        assert mask.sum() == 255 * 16 * 16


def test_an_epoch_has_every_sample_at_most_once_and_the_next_looks_different(dataset: Dataset) -> None:
    with open_loader(dataset, batch_size=4) as loader:
        steps = loader.steps_per_epoch
        first, second = take(loader, steps), take(loader, steps)
    assert steps == dataset.len_of("train") // 4
    for epoch in (first, second):
        assert max(Counter(name for batch in epoch for name, _ in batch).values()) == 1
    before, after = (dict(sample for batch in epoch for sample in batch) for epoch in (first, second))
    shared = before.keys() & after.keys()
    assert len(shared) > 20
    assert all(before[name] != after[name] for name in shared)


def test_threads_and_prefetch_change_nothing(dataset: Dataset) -> None:
    loaders = [open_loader(dataset, threads=threads, prefetch=prefetch) for threads, prefetch in ((1, 1), (3, 1), (5, 4))]
    taken = []
    for loader in loaders:
        with loader:
            taken.append(take(loader, 6))
    assert taken[0] == taken[1] == taken[2]


def test_ranks_share_the_global_batch(dataset: Dataset) -> None:
    with open_loader(dataset) as one:
        whole = take(one, 5)
    shares = []
    for rank in range(4):
        with open_loader(dataset, rank=rank, world=4) as loader:
            shares.append(take(loader, 5))
    assert joined(shares) == whole


@pytest.mark.parametrize("stop", [1, 3, 7])
def test_a_stream_goes_on_where_another_stopped_on_any_number_of_ranks(dataset: Dataset, stop: int) -> None:
    with open_loader(dataset) as loader:
        whole = take(loader, 10)
    with open_loader(dataset) as loader:
        take(loader, stop)
        state = loader.state_dict()
    assert state == {"step": stop}
    for world in (1, 2):
        shares = []
        for rank in range(world):
            with open_loader(dataset, rank=rank, world=world, threads=1) as loader:
                loader.load_state_dict(state)
                shares.append(take(loader, 10 - stop))
        assert joined(shares) == whole[stop:]


def test_a_continuous_family_reaches_the_batch_with_values_between(dataset: Dataset) -> None:
    gray = MaskMix(families=(Gray(kind="gray", low=0.3, high=0.7, intact=0.5),))
    with open_loader(dataset, masks=gray) as loader:
        mask = next(iter(loader)).to(torch.device("cpu"), channels_last=False).mask
    assert mask.min() == 0
    assert mask.max().item() == pytest.approx(0.7, abs=0.003)
    assert len(mask.unique()) > 50


def test_another_seed_is_another_order_other_crops_and_other_masks(dataset: Dataset) -> None:
    with open_loader(dataset) as one, open_loader(dataset, seed=6) as other:
        first, second = next(iter(one)), next(iter(other))
    assert first.ids != second.ids


def test_half_the_samples_are_mirrored_and_crops_differ(tmp_path: Path) -> None:
    ramp = np.zeros((32, 64, 3), np.uint8)
    ramp[..., 0] = np.arange(64) * 3
    (tmp_path / "photographs").mkdir()
    for number in range(60):
        ramp[..., 1] = number * 4
        jpeg = simplejpeg.encode_jpeg(ramp, quality=98, colorspace="RGB", colorsubsampling="444")
        (tmp_path / "photographs" / f"{number}.jpg").write_bytes(jpeg)
    ingest(str(tmp_path / "photographs"), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    with open_loader(open_dataset(str(tmp_path / "dataset"), tmp_path / "cache"), batch_size=60) as loader:
        red = next(iter(loader)).image[:, 0, 16].float()
    mirrored = red[:, 0] > red[:, -1]
    assert 15 < int(mirrored.sum()) < 45
    begins = torch.minimum(red[:, 0], red[:, -1])
    assert begins.min() < 20
    assert begins.max() > 70


def test_a_stream_from_s3_is_that_from_a_folder(
    dataset: Dataset, tmp_path: Path, s3_url: str, make_photographs: Callable[..., Path]
) -> None:
    ingest(str(tmp_path / "photographs"), s3_url, dataset.manifest.spec, run_inline)
    with open_loader(dataset) as near, open_loader(open_dataset(s3_url, tmp_path / "cache-s3")) as far:
        assert take(near, 6) == take(far, 6)


def test_fewer_samples_than_a_batch_still_make_batches(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    source = make_photographs(tmp_path / "few", 3)
    ingest(str(source), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    with open_loader(open_dataset(str(tmp_path / "dataset"), tmp_path / "cache")) as loader:
        batch = next(iter(loader))
    assert sorted(Counter(batch.ids).values()) == [2, 3, 3]


def test_loader_threads_end_with_the_block(dataset: Dataset) -> None:
    with open_loader(dataset, threads=3) as loader:
        take(loader, 2)
        assert any(thread.name.startswith("rayfill-loader") for thread in threading.enumerate())
    assert not any(thread.name.startswith("rayfill-loader") for thread in threading.enumerate())


def test_a_batch_that_the_ranks_cannot_share_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="batch_size: 8 is not a multiple of the 3 workers"):
        open_loader(dataset, world=3)


def test_an_empty_split_is_refused(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    ingest(str(make_photographs(tmp_path / "few", 3)), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    dataset = open_dataset(str(tmp_path / "dataset"), tmp_path / "cache")
    with pytest.raises(InputError, match="its split 'val' is empty; ingest with another --val-share"):
        Loader(dataset, "val", **OPTIONS)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [(cut, "is damaged, it has"), (flip_a_bit, "is damaged, its SHA-256"), (Path.unlink, "is missing")],
)
def test_a_damaged_or_missing_shard_stops_the_stream_with_its_name(
    dataset: Dataset, harm: Callable[[Path], None], sentence: str
) -> None:
    for shard in dataset.shards("train"):
        harm(Path(dataset.store.url_of(shard.path).removeprefix("file://")))
    with open_loader(dataset) as loader, pytest.raises(InputError, match=rf"shards/train-\d+\.tar: this shard {sentence}"):
        take(loader, 1)


def test_a_stage_has_its_own_size_batch_and_maps(dataset: Dataset) -> None:
    def means(pixels: np.ndarray, hole: np.ndarray) -> torch.Tensor:
        shown = torch.from_numpy(pixels).float().mean(dim=2) / 255
        return torch.stack([shown, torch.from_numpy(hole) / 255])

    maps = {"means": SampleMap(2, torch.float32, means)}
    stages = (Stage(0, 16, 8), Stage(2, 32, 4, maps))
    with open_loader(dataset, stages=stages) as loader:
        batches = list(itertools.islice(loader, 5))
    assert [tuple(batch.image.shape) for batch in batches] == [(8, 3, 16, 16)] * 2 + [(4, 3, 32, 32)] * 3
    assert [list(batch.maps) for batch in batches] == [[], [], ["means"], ["means"], ["means"]]
    batch = batches[2].to(torch.device("cpu"), channels_last=False)
    torch.testing.assert_close(batch.maps["means"][:, :1], batch.image.mean(dim=1, keepdim=True))
    assert torch.equal(batch.maps["means"][:, 1:], batch.mask)
    second = batch.split(2)[1]
    assert torch.equal(second.maps["means"], batch.maps["means"][2:])
    with open_loader(dataset, stages=stages) as loader:
        loader.load_state_dict({"step": 3})
        assert prints(next(iter(loader))) == prints(batches[3])
