"""A dataset that grows: a next version under the same name, older ones still readable, no photograph changes its split."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import simplejpeg

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.addition import add
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.inspection.verify import verify
from rayfill.data.sample_id import sample_id, split_of
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from tests.photographs import picture

SPEC = IngestSpec(shard_mib=0.01, val_share=0.25)
Make = Callable[..., Path]


@pytest.fixture
def source(tmp_path: Path, make_photographs: Make) -> Path:
    return make_photographs(tmp_path / "photographs", 20)


@pytest.fixture
def place(tmp_path: Path, source: Path) -> str:
    """A dataset of 20 photographs."""
    ingest(str(source), str(tmp_path / "dataset"), SPEC, run_inline)
    return str(tmp_path / "dataset")


def splits(dataset: Dataset) -> dict[str, str]:
    """Each photograph's split."""
    return {dataset.read(split, n)[0]: split for split in ("train", "val") for n in range(dataset.len_of(split))}


def test_a_grown_source_becomes_the_next_version_and_the_one_before_can_be_read(
    source: Path, place: str, make_photographs: Make
) -> None:
    before = open_dataset(place)
    make_photographs(source, 5, first=20)
    (source / "notes.txt").write_text("notes")
    added = add(str(source), place, {}, run_inline)
    after = open_dataset(place)
    assert added.made
    assert after.manifest == added.manifest
    assert [(a.base, a.samples) for a in added.manifest.additions] == [(before.digest, 5)]
    assert splits(after).items() >= splits(before).items()
    assert splits(after).keys() == {sample_id(path.read_bytes()) for path in source.rglob("*.jpg")}
    assert after.manifest.skipped[-1].path == "notes.txt"
    assert verify(after) == []
    for version in (before.digest, before.digest[:8]):
        old = open_dataset(f"{place}@{version}")
        assert (old.digest, splits(old)) == (before.digest, splits(before))
    assert open_dataset(f"{place}@{after.digest[:12]}").digest == after.digest


def test_old_samples_keep_their_numbers(place: str, tmp_path: Path, make_photographs: Make) -> None:
    before = open_dataset(place)
    add(str(make_photographs(tmp_path / "more", 10, first=50)), place, {}, run_inline)
    after = open_dataset(place)
    for split in ("train", "val"):
        assert [after.read(split, n) for n in range(before.len_of(split))] == [
            before.read(split, n) for n in range(before.len_of(split))
        ]


def test_nothing_new_changes_nothing(source: Path, place: str) -> None:
    before = open_dataset(place).digest
    found = add(str(source), place, {}, run_inline)
    assert not found.made
    assert open_dataset(place).digest == before
    assert not (Path(place) / "versions").exists()


def test_dataset_grows_twice_and_the_first_ingest_still_finds_it(
    source: Path, place: str, tmp_path: Path, make_photographs: Make
) -> None:
    digests = [open_dataset(place).digest]
    for first in (30, 40):
        add(str(make_photographs(tmp_path / f"more{first}", 6, first=first)), place, {}, run_inline)
        digests.append(open_dataset(place).digest)
    assert len(set(digests)) == 3
    assert [len(splits(open_dataset(f"{place}@{digest}"))) for digest in digests] == [20, 26, 32]
    again = ingest(str(source), place, SPEC, run_inline)
    assert (again.made, again.manifest.dataset_digest) == (False, digests[-1])
    with pytest.raises(InputError, match=r"no version 00000000 \(there are: " + digests[-1][:12]):
        open_dataset(f"{place}@00000000")


def test_a_new_photograph_joins_the_split_of_the_old_one_that_it_looks_like(place: str, tmp_path: Path) -> None:
    old = {sample_id(simplejpeg.encode_jpeg(picture(seed), colorspace="RGB")): seed for seed in range(20)}
    (tmp_path / "more").mkdir()
    wrong = {}
    for name, seed in old.items():
        for quality in range(60, 90):  # the same picture in other bytes
            data = simplejpeg.encode_jpeg(picture(seed), quality=quality, colorspace="RGB")
            if split_of(sample_id(data), SPEC.val_share) != split_of(name, SPEC.val_share):
                (tmp_path / "more" / f"{seed}.jpg").write_bytes(data)
                wrong[sample_id(data)] = name
                break
    before = splits(open_dataset(place))
    found = add(str(tmp_path / "more"), place, {}, run_inline)
    after = splits(open_dataset(place))
    assert len(wrong) > 10
    assert {new: after[new] for new in wrong} == {new: before[name] for new, name in wrong.items()}
    assert after.items() >= before.items()
    assert found.manifest.relatives is not None
    assert found.manifest.relatives.photographs >= 2 * len(wrong)


def test_an_addition_that_was_killed_goes_on_where_it_was(place: str, tmp_path: Path, make_photographs: Make) -> None:
    more = make_photographs(tmp_path / "more", 30, first=50)
    before = open_dataset(place).digest
    packed: list[int] = []

    def dying(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        for job in jobs[:2]:
            packed.append(job.part.number)
            yield pack(job)
        raise KeyboardInterrupt

    def counting(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        packed.extend(job.part.number for job in jobs)
        return map(pack, jobs)

    with pytest.raises(KeyboardInterrupt):
        add(str(more), place, {}, dying)
    assert open_dataset(place).digest == before
    with pytest.raises(InputError, match=r"an addition from file://.*/more is half done; finish it with .* delete .*000\.json"):
        add(str(make_photographs(tmp_path / "other", 3, first=90)), place, {}, run_inline)
    add(str(more), place, {}, counting)
    assert len(packed) == len(set(packed))
    assert len(splits(open_dataset(place))) == 50


def test_addition_drops_parts_of_a_killed_one_whose_source_changed(place: str, tmp_path: Path, make_photographs: Make) -> None:
    more = make_photographs(tmp_path / "more", 30, first=50)

    def dying(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        yield from map(pack, jobs[:-1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(str(more), place, {}, dying)
    for path in sorted(more.rglob("*.jpg"))[3:]:
        path.unlink()
    add(str(more), place, {}, run_inline)
    dataset = open_dataset(place)
    assert len(splits(dataset)) == 23
    stored = {path.name for path in (Path(place) / "shards").iterdir()}
    assert stored == {Path(shard.path).name for shard in dataset.manifest.shards}


def test_other_options_adopted_shards_and_useless_files_are_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "broken.jpg").write_text("broken")
    with pytest.raises(InputError, match="--max-side: this dataset was made with None; what is added is made alike"):
        add(str(tmp_path / "bad"), place, {"max_side": 64}, run_inline)
    with pytest.raises(InputError, match="bad: none of its new files can be used: 1 unreadable"):
        add(str(tmp_path / "bad"), place, {}, run_inline)
    adopted = str(tmp_path / "adopted")
    ingest(f"{place}/shards", adopted, IngestSpec(adopt=True), run_inline)
    with pytest.raises(InputError, match="its shards are adopted; ingest the grown prefix under another name"):
        add(str(tmp_path / "bad"), adopted, {}, run_inline)
