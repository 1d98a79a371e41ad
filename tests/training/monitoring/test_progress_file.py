"""`progress.json`: what rank 0 writes of a run, how often, and how it ends."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.spec.run import RunSpec
from rayfill.training.monitoring.data_wait import TimedBatches
from rayfill.training.monitoring.progress_file import FILE, ProgressFile, end_progress, read_progress
from rayfill.training.worker import WorkerContext, run_worker

Small = Callable[..., RunSpec]
ROW = {"images_per_s": 16.0, "generator/hole_l1": 0.25, "generator/gradient_norm": 3.0, "data_wait": 0.125}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def run(small_run: Small, tmp_path: Path) -> RunSpec:
    return small_run(run="shown").model_copy(update={"root": f"file://{tmp_path}"})


def written(run: RunSpec, step: int) -> None:
    """Wait until the thread that writes has written a step."""
    deadline = time.monotonic() + 10
    while (found := read_progress(run.root, run.name)) is None or found.step != step:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)


def test_rows_are_written_at_most_every_five_seconds_and_the_last_one_always(run: RunSpec, tmp_path: Path) -> None:
    clock = Clock()
    file = ProgressFile(run, workers=2, clock=clock)
    file.update(1, ROW)
    written(run, 1)
    clock.now = 4.0
    file.update(2, ROW)
    clock.now = 6.0
    file.update(4, ROW)
    written(run, 4)
    found = read_progress(run.root, run.name)
    assert found is not None
    assert (found.state, found.steps, found.workers, found.images_per_s) == ("running", 8, 2, 16.0)
    assert found.losses == {"generator/hole_l1": 0.25}
    assert found.data_wait == 0.125
    assert found.eta_s == pytest.approx(8.0), "4 steps at 3 steps in 6 s"
    file.update(8, ROW)
    written(run, 8)
    assert [path.name for path in (tmp_path / "runs" / "shown").iterdir()] == [FILE]


def test_a_run_that_went_back_begins_to_count_anew(run: RunSpec) -> None:
    clock = Clock()
    file = ProgressFile(run, workers=1, clock=clock)
    file.update(6, ROW)
    clock.now = 10.0
    file.update(2, ROW)
    clock.now = 16.0
    file.update(4, ROW)
    written(run, 4)
    found = read_progress(run.root, run.name)
    assert found is not None
    assert found.eta_s == pytest.approx(12.0), "4 steps at 2 steps in 6 s"


def test_the_end_is_written_over_the_last_row(run: RunSpec) -> None:
    end_progress(run.root, run.name, "failed", "no room")
    assert read_progress(run.root, run.name) is None, "a run that never began has nothing to say"
    ProgressFile(run, workers=1).update(3, ROW)
    written(run, 3)
    end_progress(run.root, run.name, "failed", "no room")
    found = read_progress(run.root, run.name)
    assert found is not None
    assert (found.state, found.why, found.step, found.eta_s) == ("failed", "no room", 3, None)


def test_a_run_writes_its_progress_beside_its_checkpoints(run: RunSpec) -> None:
    worker = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)
    run_worker(run, worker, None, lambda *_: None, None)
    written(run, 8)
    found = read_progress(run.root, run.name)
    assert found is not None
    assert found.data_wait is not None
    assert "generator/reconstruction" in found.losses


def test_a_store_that_refuses_stops_no_training(run: RunSpec, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    ProgressFile(run, workers=1).update(1, ROW)
    end_progress(run.root, run.name, "finished")


def test_waiting_for_batches_is_timed_and_taken_once() -> None:
    times = iter([0.0, 2.0, 10.0, 10.5])
    timed = TimedBatches(iter([None, None]), clock=lambda: next(times))  # type: ignore[list-item]  # batches are passed on unseen
    next(timed), next(timed)
    assert timed.take() == 2.5
    assert timed.take() == 0.0
