"""Records of a run before it starts."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.addition import add
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.masks.mask_set import encode_mask
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.masks import Painted
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.training.grid_batch import GRID_SAMPLES, grid_batch
from rayfill.training.run_directory import claim
from rayfill.training.whole_run import prepare_run
from rayfill.training.worker import WorkerContext, run_worker
from tests.masks.test_painted_masks import band
from tests.photographs import write_photographs


def write_masks(path: Path, *shares: float) -> str:
    """A .tar of masks whose upper part is hole; its digest."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for i, share in enumerate(shares):
            data = encode_mask(band(share) // 255)
            member = tarfile.TarInfo(f"{i}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    path.write_bytes(packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def test_a_run_on_painted_masks_pins_their_file_and_trains_on_nothing_else(
    small_root: Path, small_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    digest = write_masks(tmp_path / "ours.tar", 0.25, 0.5)
    recipe = small_recipe(f"masks.families=[{{kind: painted, tar: {tmp_path}/ours.tar}}]", "phases.0.steps=2")
    run = prepare_run(recipe, "photos", Locations(f"file://{small_root}"), "painted", 1)
    (family,) = run.recipe.masks.families
    assert isinstance(family, Painted)
    assert family.sha256 == digest
    assert RunSpec.model_validate_json(run.model_dump_json()) == run
    worker = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)
    assert run_worker(run, worker, None, lambda *_: None, None).step == 2
    write_masks(tmp_path / "ours.tar", 0.75)
    with pytest.raises(InputError, match=r"ours\.tar: its sha256 is"):
        prepare_run(run.recipe, "photos", Locations(f"file://{small_root}"), "painted", 1)


def test_a_file_of_masks_that_is_missing_is_refused_before_the_run_starts(
    small_root: Path, small_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small_recipe(f"masks.families=[{{kind: painted, tar: {tmp_path}/gone.tar}}]")
    with pytest.raises(InputError, match=r"gone\.tar: there is no such file"):
        prepare_run(recipe, "photos", Locations(f"file://{small_root}"), "painted", 1)


def test_a_run_goes_on_with_the_version_of_the_dataset_that_it_was_begun_with(
    small_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    locations = Locations(str(tmp_path / "root"))
    source = write_photographs(tmp_path / "photographs", 7)
    ingest(str(source), locations.dataset("photos"), IngestSpec(val_share=0.2), run_inline)
    recipe = small_recipe("phases.0.steps=2")
    begun = claim(prepare_run(recipe, "photos", locations, "begun", 1))
    add(str(write_photographs(source, 30, first=7)), locations.dataset("photos"), {}, run_inline)
    assert prepare_run(recipe, "photos", locations, "begun", 1).differs_from(begun) is None
    newest = prepare_run(recipe, "photos", locations, "new", 1)
    assert newest.dataset_digest != begun.dataset_digest
    pinned = prepare_run(recipe, f"photos@{begun.dataset_digest[:8]}", locations, "pinned", 1)
    assert (pinned.dataset, pinned.dataset_digest) == (begun.dataset, begun.dataset_digest)
    context = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)
    grid = [len(grid_batch(run, context.device)) for run in (begun, newest)]
    opened = [open_dataset(at_version(run.dataset, run.dataset_digest)).len_of("val") for run in (begun, newest)]
    assert grid == [min(GRID_SAMPLES, count) for count in opened]
    assert grid[0] < grid[1]
