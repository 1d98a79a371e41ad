"""The list of datasets, and that deleting one takes what an ingest wrote and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.data.catalog import delete_files, files_of, list_datasets
from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.addition import add
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

Make = Callable[..., Path]


@pytest.fixture
def locations(tmp_path: Path, make_photographs: Make) -> Locations:
    """A root with the dataset 'photos' of 12 photographs."""
    found = Locations(str(tmp_path / "root"))
    ingest(str(make_photographs(tmp_path / "source", 12)), found.dataset("photos"), IngestSpec(shard_mib=0.01), run_inline)
    return found


def folder(locations: Locations, name: str) -> Path:
    return Path(locations.dataset(name).removeprefix("file://"))


def test_the_list_says_what_is_whole_half_made_and_damaged(
    locations: Locations, tmp_path: Path, make_photographs: Make
) -> None:
    add(str(make_photographs(tmp_path / "more", 3, first=20)), locations.dataset("photos"), {}, run_inline)
    (folder(locations, "half") / "parts").mkdir(parents=True)
    (folder(locations, "half") / "parts" / "plan.json").write_text("{}")
    folder(locations, "bad").mkdir()
    (folder(locations, "bad") / "manifest.json").write_text("{}")
    (folder(locations, "other") / "x").mkdir(parents=True)
    bad, half, photos = list_datasets(locations)
    assert (bad.name, bad.state) == ("bad", "damaged")
    assert "not the manifest of a dataset" in bad.problem
    assert (half.name, half.state) == ("half", "half made")
    dataset = open_dataset(locations.dataset("photos"))
    assert (photos.state, photos.samples, photos.versions, photos.digest) == ("whole", 15, 2, dataset.digest)
    assert photos.bytes == dataset.manifest.bytes


def test_no_root_is_an_empty_list(tmp_path: Path) -> None:
    assert list_datasets(Locations(str(tmp_path / "nothing"))) == []


def test_deleting_leaves_what_no_ingest_wrote(locations: Locations) -> None:
    place = folder(locations, "photos")
    (place / "README").write_text("mine")
    files = files_of(locations.dataset("photos"))
    assert next(iter(files)) == "manifest.json"
    assert sum(files.values()) > open_dataset(str(place)).manifest.bytes
    delete_files(locations.dataset("photos"), files)
    assert [path.name for path in place.rglob("*") if path.is_file()] == ["README"]
    assert list_datasets(locations) == []
    with pytest.raises(InputError, match=r"photos: there is no dataset here \(no manifest\.json\)"):
        files_of(locations.dataset("photos"))


def test_a_deletion_that_was_cut_short_goes_on(locations: Locations) -> None:
    files = files_of(locations.dataset("photos"))
    delete_files(locations.dataset("photos"), dict(list(files.items())[:4]))
    assert [one.state for one in list_datasets(locations)] == ["half made"]
    left = files_of(locations.dataset("photos"))
    assert len(left) == len(files) - 4
    delete_files(locations.dataset("photos"), left)
    assert list_datasets(locations) == []


def test_shards_that_others_wrote_are_never_deleted(locations: Locations, tmp_path: Path) -> None:
    shards = folder(locations, "photos") / "shards"
    beside = tmp_path / "beside"
    (beside / "shards").mkdir(parents=True)
    for path in shards.iterdir():
        (beside / "shards" / path.name).write_bytes(path.read_bytes())
    ingest(str(beside), str(beside), IngestSpec(adopt=True), run_inline)
    delete_files(str(beside), files_of(str(beside)))
    assert {path.name for path in beside.rglob("*") if path.is_file()} == {path.name for path in shards.iterdir()}
    manifest = folder(locations, "photos") / "manifest.json"
    manifest.write_text(json.dumps({"format": "other"}))
    with pytest.raises(InputError, match="delete it with the store's own tools"):
        files_of(locations.dataset("photos"))
