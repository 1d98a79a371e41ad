"""Files of an earlier version are readable: a dataset, a mask set, a run with its checkpoint and model, and a sweep.

The files under written_before/7b6e4f6 are of that commit, before modules and classes took the field's names.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.inspection.verify import verify
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
from rayfill.masks.mask_set_store import open_or_make_mask_set
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from rayfill.spec.masks import Irregular, MaskSetSpec
from rayfill.training.run_directory import read_run
from rayfill.training.state import TrainState
from rayfill.tuning.study.study import load_study, spec_of
from rayfill.tuning.study.trial_record import read_records

CPU = torch.device("cpu")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the root that the earlier version wrote, because opening some of it writes."""
    shutil.copytree(Path(__file__).parent / "written_before" / "7b6e4f6", tmp_path / "root")
    return tmp_path / "root"


def test_a_dataset(root: Path) -> None:
    dataset = open_dataset(f"{root}/datasets/photos")
    assert verify(dataset) == []
    assert (dataset.len_of("train"), dataset.len_of("val")) == (5, 3)
    assert dataset.read("val", 0)[1].startswith(b"\xff\xd8")
    (root / "other").mkdir()
    (root / "other" / "a.jpg").write_bytes(dataset.read("val", 0)[1])
    with pytest.raises(InputError, match="datasets/photos: holds a dataset that was made from"):
        ingest(f"{root}/other", f"{root}/datasets/photos", IngestSpec(val_share=0.3), run_inline)


def test_a_mask_set(root: Path) -> None:
    spec = MaskSetSpec(name="old", family=Irregular(kind="irregular"), seed=0, size=32, per_bucket=1)
    files = sorted((root / "masks" / "old").iterdir())
    masks = open_or_make_mask_set(spec, f"file://{root}/masks/old")
    assert masks.spec == spec
    assert sorted((root / "masks" / "old").iterdir()) == files, "the set is read, not made again"
    bucket = next(iter(masks.bits))
    assert masks.mask(bucket, 0).shape == (32, 32)


def test_a_run_s_checkpoint_and_its_model(root: Path) -> None:
    run = read_run(f"file://{root}", "old")
    assert (run.recipe.name, run.workers, run.code_version) == ("gdn", 1, "0.1.0+git.7b6e4f6")
    state = TrainState(run.recipe, CPU)
    fresh = {name: value.clone() for name, value in state.system.state_dict().items()}
    state.load(root / "runs" / "old" / "step-000000001")
    assert state.step == 1
    assert any(not torch.equal(value, fresh[name]) for name, value in state.system.state_dict().items())
    model = load_model(root / "runs" / "old" / "model", CPU)
    picture, mask = np.zeros((40, 48, 3), np.uint8), np.zeros((40, 48), np.uint8)
    mask[10:20, 10:20] = 1
    (answer,) = inpaint(model, [picture], [mask])
    np.testing.assert_array_equal(answer.composited[mask == 0], picture[mask == 0])


def test_a_sweep(root: Path) -> None:
    study = load_study(f"file://{root}", "bases", None)
    records = read_records(study)
    assert [record.number for record in records] == [0, 1, 2]
    assert {record.state for record in records} <= {"complete", "pruned"}
    assert spec_of(study).name == "bases"
