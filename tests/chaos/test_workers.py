"""What may happen to a worker of two on one machine. The final weights are bit for bit those of a quiet run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.spec.run import RunSpec
from rayfill.training.policies.poison_step import sample_ids
from tests.chaos.scenario import Driver, Fault, Lost, Scenario

Train = Callable[..., Driver]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Train]:
    """`train(run, fault, ...)` begins a driver, which ends with the test."""
    begun: list[Driver] = []

    def begin(run: RunSpec, *faults: Fault) -> Driver:
        begun.append(Driver(Scenario(run=run, folder=str(tmp_path / "disturbed"), faults=faults)))
        return begun[-1]

    yield begin
    for driver in begun:
        driver.end()


def test_worker_killed(
    train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    driver = train(run_of(), Fault(what="kill", rank=1, step=13))
    assert driver.wait() == 0, driver.said()
    assert driver.weights() == quiet(2)
    lost = driver.lost()
    assert 0 < lost.repeated <= 8, "from the last checkpoint, or the last but one"
    report_cost(lost)


def test_exception_in_one_rank(
    train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    driver = train(run_of(), Fault(what="raise", rank=1, step=13))
    assert driver.wait() == 0, driver.said()
    assert driver.weights() == quiet(2)
    report_cost(driver.lost())


def test_step_that_always_fails(train: Train, run_of: Callable[..., RunSpec], report_cost: Callable[[Lost], None]) -> None:
    run = run_of()
    driver = train(run, Fault(what="raise", rank=1, step=13, one_time=False))
    assert driver.wait() == 1, driver.said()
    names = ", ".join(sample_ids(run, 13, (1, 2)))
    assert f"step 13 failed twice on rank 1 (RuntimeError: sabotage); its samples are {names}" in driver.said()
    assert sum(one.step == 13 for one in driver.begun()) == 2, "no third try"
    report_cost(driver.lost())


def test_rank_that_sleeps_for_ever(
    train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    driver = train(run_of("training.stall_after=20s"), Fault(what="sleep", rank=1, step=13))
    assert driver.wait() == 0, driver.said()
    assert "rank 1 on " in driver.said()
    assert " is in step 13, in " in driver.said()
    assert "; the workers are replaced" in driver.said()
    assert driver.weights() == quiet(2)
    report_cost(driver.lost())
