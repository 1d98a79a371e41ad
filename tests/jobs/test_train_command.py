"""`rayfill train` refuses nonsense before anything starts, with one sentence and exit code 2."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from jobs.cli import main

PAINTED = "masks.families=[{kind: painted, tar: /nowhere/holes.tar}]"
RECIPE = str(Path(__file__).parent.parent.parent / "jobs" / "recipes" / "gdn.yaml")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a dataset of six photographs."""
    root, source = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(6):
        cv2.imwrite(str(source / f"{i}.png"), rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    assert main(["ingest", str(source), "photos", "--root", str(root), "--serial", "--val-share", "0"]) == 0
    return root


def train(root: Path, *words: str) -> int:
    return main(["train", "--root", str(root), "--data", "photos", *words])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "RECIPE is missing; the shipped ones are jobs/recipes/*.yaml"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        ([RECIPE, "--set", "trainin.seed=1"], "trainin: unknown key (did you mean 'training'?)"),
        (
            [RECIPE, "--set", "system.options.focusing=-1"],
            "system.options.focusing: input should be greater than or equal to 0",
        ),
        ([RECIPE, "--workers", "0"], "argument --workers: '0' is not a whole number of at least 1"),
        ([RECIPE, "--workers", "8..2"], "argument --workers: '8..2' begins with the larger number; write 2..8"),
        ([RECIPE, "--workers", "2..16"], "--workers 2..16: training.batch_size 8 in 1 micro-batches has work for at most 8"),
        (["--resume", "gone"], "run 'gone': there is none under"),
        (["--resume", "gone", RECIPE], "--resume gone: RECIPE is the run's own; leave it out, or use --name gone"),
        ([RECIPE, "--set", "training.stall_after=soon"], "training.stall_after: 'soon'"),
        (
            [
                RECIPE,
                "--set",
                "training.validation={every: 9, images: 9, metric: l1, keep_best: 1, publish: best, patience: null}",
            ],
            "training.validation: publish: best and patience need photographs to validate on, and the dataset has no val split",
        ),
        ([RECIPE, "--workers", "3"], "training.batch_size: 8 cannot be shared by 3 workers"),
        ([RECIPE, "--name", "a/b"], "run 'a/b': a name is 1-128 letters"),
        ([RECIPE, "--data", "photo"], "there is no dataset here"),
        ([RECIPE, "--data", "photo", "--dry-run"], "there is no dataset here"),
        ([RECIPE, "--dry-run", "--set", PAINTED], "holes.tar: there is no such file"),
        ([RECIPE, "--dry-run", "--set", "phases.0.start_from={generator: nobody}"], "run 'nobody'"),
        ([RECIPE, "--address", "localhost:8265"], "give the cluster's dashboard, such as http://localhost:8265"),
    ],
)
def test_nonsense_is_refused(root: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(root, *words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (root / "runs").exists()


def test_more_workers_than_cpus_are_refused_before_the_name_is_taken(
    ray_cluster: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(root, RECIPE, "--workers", "4", "--name", "toomany") == 2
    assert "--workers 4: the cluster has 2 CPUs; allowed are 1 to 2" in capsys.readouterr().err
    assert not (root / "runs").exists()


def test_train_on_a_dataset_without_a_val_split_goes_without_validation_and_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = str(Path(RECIPE).parent / "restore-small.yaml")
    assert train(root, small, "--dry-run") == 0
    assert "no validation: the dataset has no val split" in capsys.readouterr().err


def test_a_dry_run_prints_the_resolved_recipe_and_starts_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(root, RECIPE, "--set", "training.seed=5", "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["training"]["seed"] == 5
    assert not (root / "runs").exists()


def test_a_dry_run_checks_the_room(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("rayfill.hardware.this_machine.cpus_and_gpus", lambda: (2, 0))
    assert train(root, RECIPE, "--workers", "4", "--dry-run") == 2
    assert "--workers 4: the cluster has 2 CPUs; allowed are 1 to 2" in capsys.readouterr().err
