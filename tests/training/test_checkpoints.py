"""Checkpoints in a run's directory: the newest complete ones stay, an incomplete one counts as none."""

from pathlib import Path

import pytest

from rayfill.training.checkpoints import Checkpoints


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A folder as a checkpoint has it."""
    folder = tmp_path / "checkpoint"
    (folder / "model").mkdir(parents=True)
    (folder / "state.json").write_text("{}")
    (folder / "model" / "model.json").write_text("card")
    return folder


def test_the_newest_are_kept_and_come_back_whole(tmp_path: Path, checkpoint: Path) -> None:
    checkpoints = Checkpoints(f"file://{tmp_path}/root", "run-1", keep=2)
    assert checkpoints.newest() is None
    for step in (100, 300, 900):
        checkpoints.save(checkpoint, step, seconds=step / 10)
    newest = checkpoints.newest()
    assert newest is not None
    assert (newest.step, newest.seconds) == (900, 90.0)
    run_directory = tmp_path / "root" / "runs" / "run-1"
    assert not list((run_directory / "step-000000100").rglob("*.*"))
    checkpoints.fetch(300, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "model" / "model.json").read_text() == "card"


def test_one_that_was_cut_off_while_it_was_written_counts_as_none_and_is_removed(tmp_path: Path, checkpoint: Path) -> None:
    checkpoints = Checkpoints(f"file://{tmp_path}/root", "run-1", keep=1)
    checkpoints.save(checkpoint, 100, seconds=1.0)
    cut_off = tmp_path / "root" / "runs" / "run-1" / "step-000000050"
    cut_off.mkdir()
    (cut_off / "state.safetensors").write_text("half")
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.step == 100
    checkpoints.save(checkpoint, 200, seconds=2.0)
    assert not (cut_off / "state.safetensors").exists()
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.step == 200
