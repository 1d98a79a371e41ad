"""What a run writes down before it starts."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.masks.mask_set import encode_mask
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.masks import Painted
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.training.whole_run import prepare_run
from rayfill.training.worker import WorkerContext, run_worker
from tests.masks.test_painted_masks import band


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
    place = WorkerContext(rank=0, world=1, device=torch.device("cpu"), threads=1)
    assert run_worker(run, place, None, lambda *_: None, None).step == 2
    write_masks(tmp_path / "ours.tar", 0.75)
    with pytest.raises(InputError, match=r"ours\.tar: its sha256 is"):
        prepare_run(run.recipe, "photos", Locations(f"file://{small_root}"), "painted", 1)


def test_a_file_of_masks_that_is_missing_is_refused_before_the_run_starts(
    small_root: Path, small_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small_recipe(f"masks.families=[{{kind: painted, tar: {tmp_path}/gone.tar}}]")
    with pytest.raises(InputError, match=r"gone\.tar: there is no such file"):
        prepare_run(recipe, "photos", Locations(f"file://{small_root}"), "painted", 1)
