"""`rayfill tune` refuses nonsense before anything starts, with one sentence and exit code 2."""

import json
from pathlib import Path

import pytest

from jobs.cli import main
from tests.tuning.tiny import ingest_tiny

ROOT = Path(__file__).parents[2]
MASK_BASES = str(ROOT / "tests" / "tuning" / "small" / "mask-bases.yaml")


def tune(root: Path, *words: str, data: str = "photos") -> int:
    return main(["tune", "--root", str(root), "--data", data, *words])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a dataset of 20 photographs under another root."""
    root = tmp_path_factory.mktemp("tiny")
    ingest_tiny(root)
    return f"{root}/datasets/photos"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "SWEEP is missing; the shipped ones are jobs/sweeps/*.yaml"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        ([MASK_BASES, "--set", "serch.kind=gp"], "serch: unknown key (did you mean 'search'?)"),
        ([MASK_BASES, "--set", "objectives.0.metric=psrn"], "no scorecard of gdn has 'psrn' (did you mean 'psnr'?)"),
        ([MASK_BASES, "--set", "constraints=[{measure: parameters, at_most: 10}]"], "times the 10 that are allowed"),
        (
            [MASK_BASES, "--set", "pick={kind: bound, metric: miliseconds, at_most: 50, then: psnr}"],
            "(did you mean 'milliseconds'?)",
        ),
        ([MASK_BASES, "--trials", "0"], "argument --trials: '0' is not a whole number of at least 1"),
        ([MASK_BASES, "--name", "a/b"], "sweep 'a/b': a name is 1-128 letters"),
        ([MASK_BASES, "--data", "photo"], "there is no dataset here"),
        (["--show", "nothing"], "sweep 'nothing': there is none under"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune(tmp_path, *words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_range_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "sweep.yaml"
    key = "players.generator.lr"
    sweep.write_text(f"extends: {MASK_BASES}\nspace: {{{key}: {{kind: float, low: 0.1, high: 0.01}}}}\n")
    assert tune(tmp_path / "root", str(sweep)) == 2
    assert f"space.{key}: the range is empty: low 0.1 is not below high 0.01" in capsys.readouterr().err
    assert not (tmp_path / "root").exists()


def test_a_dry_run_prints_the_resolved_sweep_and_starts_nothing(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(tmp_path, MASK_BASES, "--trials", "3", "--workers", "2", "--name", "other", "--dry-run", data=photos) == 0
    sweep = json.loads(capsys.readouterr().out)
    assert (sweep["name"], sweep["budget"]["trials"], sweep["trial"]["workers"]) == ("other", 3, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_checks_the_data_and_the_room(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    assert tune(tmp_path, MASK_BASES, "--dry-run", data="nowhere") == 2
    assert "there is no dataset here" in capsys.readouterr().err
    assert tune(tmp_path, MASK_BASES, "--dry-run", "--set", "trial.cpus=4096", data=photos) == 2
    assert "of 4096 CPUs do not fit" in capsys.readouterr().err
