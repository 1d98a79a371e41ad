"""Samples that cannot be decoded: their replacements, the warning, and the limit that stops the run."""

import contextlib
import io
import itertools
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rayfill.data.corrupt_samples import Replacements
from rayfill.data.dataset import Dataset
from rayfill.data.loader import Loader
from rayfill.spec.errors import InputError
from rayfill.spec.masks import MaskMix, Rectangle
from rayfill.spec.recipe import Images

SIDE = 16
Pack = Callable[..., Dataset]


def shard(size: int, *unreadable: int, called: str = "s") -> list[tuple[str, bytes]]:
    """Samples s-0, s-1, ...; all are photographs but for the unreadable ones."""
    return [(f"{called}-{n}", b"\xff\xd8 no jpeg" if n in unreadable else photograph(n)) for n in range(size)]


def photograph(number: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((SIDE, SIDE, 3), number, np.uint8)).save(file, "JPEG")
    return file.getvalue()


def open_loader(dataset: Dataset, rank: int = 0, world: int = 1, batch_size: int = 4) -> Loader:
    return Loader(
        dataset, "train", seed=1, batch_size=batch_size, rank=rank, world=world, threads=2, prefetch=1, pin=False,
        images=Images(size=SIDE, resize="squash", flip=True), masks=MaskMix(families=(Rectangle(kind="rectangle"),)),
    )  # fmt: skip


def replacements(dataset: Dataset) -> Replacements:
    return Replacements(dataset, dataset.shards("train"), SIDE)


@pytest.mark.parametrize(
    ("size", "unreadable", "wanted"),
    [
        (8, [2], {2: 3}),
        (12, [2, 3, 5], {2: 4, 3: 4, 5: 6}),
        (8, [7], {7: 0}),
        (8, [0, 7], {0: 1, 7: 1}),
        (2, [1], {1: 0}),
        (3, [1], {1: 2}),
        (128, [63, 127], {63: 0, 127: 64}),
        (191, [63, 64, 190], {63: 0, 64: 65, 190: 65}),
    ],
)
def test_the_next_sound_sample_of_the_block_stands_in_going_round(
    pack: Pack, size: int, unreadable: list[int], wanted: dict[int, int]
) -> None:
    found = replacements(pack(shard(size, *unreadable)))
    assert {number: found.of(0, number) for number in unreadable} == wanted
    assert len(found.unreadable) == len(unreadable)


@pytest.mark.parametrize(
    ("size", "unreadable", "share"),
    [(1, [0], "1 of 1"), (2, [0, 1], "2 of 2"), (4, [0, 3], "2 of 4"), (8, [1, 2, 3], "3 of 8"), (64, range(17), "17 of 64")],
)
def test_too_many_of_a_block_stop_with_shard_and_sample(pack: Pack, size: int, unreadable: list[int], share: str) -> None:
    first = min(unreadable)
    sentence = (
        rf"packed/shards/train-00001\.tar: {share} neighbouring samples cannot be decoded "
        rf"\(sample 's-{first}' is damaged or cut short .*\); at most 25% may be so; repair the shard and ingest it again$"
    )
    dataset = pack(shard(3, called="t"), shard(size, *unreadable))
    for number in unreadable:
        with pytest.raises(InputError, match=sentence):
            replacements(dataset).of(1, number)


def test_a_quarter_of_a_block_is_not_too_many_and_another_block_does_not_count(pack: Pack) -> None:
    found = replacements(pack(shard(128, *range(16), *range(64, 128))))
    assert found.of(0, 3) == 16
    with pytest.raises(InputError, match="64 of 64"):
        found.of(0, 70)


def test_replaced_sample_equals_the_same_sample_drawn_by_itself(pack: Pack) -> None:
    with open_loader(pack(shard(8, 2)), batch_size=8) as loader:
        for batch in itertools.islice(loader, 3):
            assert sorted(batch.ids) == ["s-0", "s-1", "s-3", "s-3", "s-4", "s-5", "s-6", "s-7"]
            one, other = (at for at, name in enumerate(batch.ids) if name == "s-3")
            assert (batch.image[one] == 3).all()
            assert (batch.image[one] == batch.image[other]).all()
            assert (batch.mask[one] == batch.mask[other]).all()


def test_loader_names_and_counts_each_unreadable_sample_once(pack: Pack, caplog: pytest.LogCaptureFixture) -> None:
    dataset = pack(shard(8, 2), shard(9, 0, 8, called="t"), shard(8, called="u"))
    with caplog.at_level(logging.WARNING), open_loader(dataset) as loader:
        assert loader.unreadable == 0
        for _ in itertools.islice(loader, 4 * loader.steps_per_epoch):
            pass
        assert loader.unreadable == 3
    place = dataset.store.url_of("shards/train-0000")
    lines = sorted(record.getMessage() for record in caplog.records)
    assert [line.partition(" is damaged or cut short (")[0] for line in lines] == [
        f"{place}0.tar: sample 's-2'",
        f"{place}1.tar: sample 't-0'",
        f"{place}1.tar: sample 't-8'",
    ]
    assert [line.rpartition("); ")[2] for line in lines] == [
        "replaced by sample 's-3'",
        "replaced by sample 't-1'",
        "replaced by sample 't-1'",
    ]


def test_warning_names_the_shard_where_it_is_stored(pack: Pack, tmp_path: Path) -> None:
    dataset = pack(shard(8, 2))
    (tmp_path / "packed" / "shards").rename(tmp_path / "shards")
    manifest = dataset.manifest.model_copy(update={"shards_at": tmp_path.as_uri()})
    found = replacements(Dataset(dataset.store, manifest, tmp_path / "cache"))
    found.of(0, 2)
    assert found.unreadable == [f"{tmp_path.as_uri()}/shards/train-00000.tar: sample 's-2'"]


def test_nothing_but_its_batches_is_read_where_all_can_be_decoded(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pack(shard(64))
    read = []
    real = dataset.reader.read
    monkeypatch.setattr(dataset.reader, "read", lambda shard, number: read.append(number) or real(shard, number))
    with open_loader(dataset) as loader:
        next(iter(loader))
        assert loader.unreadable == 0
    assert 4 <= len(read) <= 8, "a batch of four, and perhaps the one that is made ahead"


def test_the_step_that_stops_is_the_same_for_any_number_of_ranks_and_wherever_they_began(pack: Pack) -> None:
    dataset = pack(shard(20, called="s"), shard(20, 4, 5, 6, 9, 11, 17, called="t"), shard(20, called="u"))

    def stop(begin: int, world: int) -> int:
        """The first step that one of the ranks cannot make."""
        steps = []
        for rank in range(world):
            with open_loader(dataset, rank, world) as loader:
                loader.load_state_dict({"step": begin})
                steps.append(begin)
                with contextlib.suppress(InputError):
                    for _ in itertools.islice(loader, 40):
                        steps[-1] += 1
        return min(steps)

    first = stop(0, 1)
    assert 0 < first < 15
    for begin, world in ((0, 2), (0, 4), (first, 1), (first, 2), (first - 1, 4)):
        assert stop(begin, world) == first
