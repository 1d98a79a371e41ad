"""The driver of a run of two workers is killed or report_cost to stop, and the same command is typed again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.spec.run import RunSpec
from rayfill.training.monitoring.progress_file import read_progress
from tests.chaos.conftest import SAVED_EVERY, STEPS
from tests.chaos.scenario import Driver, Lost, Scenario

Train = Callable[[RunSpec], Driver]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Train]:
    """`train(run)` begins a driver, which ends with the test."""
    begun: list[Driver] = []

    def begin(run: RunSpec) -> Driver:
        begun.append(Driver(Scenario(run=run, folder=str(tmp_path / "disturbed"), pace_s=0.5)))
        return begun[-1]

    yield begin
    for driver in begun:
        driver.end()


def saved_steps(run: RunSpec) -> list[int]:
    folder = Path(run.root.removeprefix("file://")) / "runs" / run.name
    return sorted(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))


def test_driver_killed_and_the_command_typed_again(
    train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    driver = train(run_of())
    driver.wait_for_step(2 * SAVED_EVERY + 3)
    driver.process.kill()
    driver.process.wait()
    time.sleep(5)
    driver.again()
    assert driver.wait() == 0, driver.said()
    assert "resumes at step" in driver.said()
    assert driver.weights() == quiet(2)
    report_cost(driver.lost())


def test_sigterm_saves_and_the_command_typed_again_repeats_no_step(
    train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    run = run_of()
    driver = train(run)
    driver.wait_for_step(SAVED_EVERY + 2)
    driver.process.terminate()
    assert driver.wait() == 1, driver.said()
    assert "stopping: the workers save a checkpoint" in driver.said()
    assert "Traceback" not in driver.said()
    last = saved_steps(run)[-1]
    assert SAVED_EVERY + 2 <= last < STEPS
    assert driver.begun()[-1].step == last, "it left with the step that it saved"
    progress = read_progress(run.root, run.name)
    assert progress is not None
    assert progress.state == "stopped"
    driver.again()
    assert driver.wait() == 0, driver.said()
    assert driver.lost().repeated == 0
    assert driver.weights() == quiet(2)
    report_cost(driver.lost())
