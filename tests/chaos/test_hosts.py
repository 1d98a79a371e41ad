"""What may happen to hosts: a link cut for a while or for good, a host killed, a host added in mid-run."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.spec.run import RunSpec
from rayfill.training.run_directory import is_finished
from tests.chaos.conftest import SAVED_EVERY
from tests.chaos.hosts import FAST, HEAD, ONE, TWO, Hosts, why_not
from tests.chaos.scenario import Driver, Lost, Scenario

Train = Callable[[RunSpec], Driver]
WAITS_S = 600.0


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """The head and the first host; skipped with the reason where there can be none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder,
        Hosts(Path(folder)) as made,
    ):  # short: Ray's sockets
        made.join(ONE)
        yield made


@pytest.fixture
def train(hosts: Hosts, tmp_path: Path) -> Iterator[Train]:
    """`train(run)` begins a driver on the head, which ends with the test."""
    begun: list[Driver] = []

    def begin(run: RunSpec) -> Driver:
        scenario = Scenario(run=run, folder=str(tmp_path / "disturbed"), pace_s=0.5, address=hosts.address, wait_s=WAITS_S)
        begun.append(Driver(scenario, ("ip", "netns", "exec", HEAD), FAST))
        return begun[-1]

    yield begin
    for driver in begun:
        driver.end()


def test_link_cut_for_20_seconds(
    hosts: Hosts, train: Train, run_of: Callable[..., RunSpec], quiet: Callable[[int], str], report_cost: Callable[[Lost], None]
) -> None:
    hosts.join(TWO)
    driver = train(run_of("training.max_failures=10"))
    driver.wait_for_step(SAVED_EVERY + 3)
    hosts.link(TWO, up=False)
    time.sleep(20)
    hosts.link(TWO, up=True)
    hosts.kill(TWO)  # its Ray gives up when it was taken for dead, and is started again
    hosts.join(TWO)
    assert driver.wait() == 0, driver.said()
    assert driver.weights() == quiet(2)
    report_cost(driver.lost())


def test_link_cut_for_good_and_the_run_goes_on_with_the_other_host(
    hosts: Hosts, train: Train, run_of: Callable[..., RunSpec], report_cost: Callable[[Lost], None]
) -> None:
    hosts.join(TWO)
    run = run_of("training.max_failures=10", min_workers=1)
    driver = train(run)
    driver.wait_for_step(SAVED_EVERY + 3, world=2)
    hosts.link(TWO, up=False)
    assert driver.wait() == 0, driver.said()
    assert is_finished(run.root, run.name)
    assert driver.begun()[-1].world == 1
    report_cost(driver.lost())


def test_host_added_in_mid_run(
    hosts: Hosts, train: Train, run_of: Callable[..., RunSpec], report_cost: Callable[[Lost], None]
) -> None:
    run = run_of("phases.0.steps=240", "training.checkpoint_every=100", min_workers=1)
    driver = train(run)
    driver.wait_for_step(3, world=1)
    hosts.join(TWO)
    assert driver.wait() == 0, driver.said()
    begun = driver.begun()
    assert {one.world for one in begun} == {1, 2}
    lost = driver.lost()
    assert lost.repeated <= 10, "it grows at a checkpoint that it asked for, not from the last one of a hundred steps"
    report_cost(lost)
