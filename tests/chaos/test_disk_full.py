"""A disk that is full at a checkpoint: one sentence, nothing lost, and the same command goes on once there is room."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.spec.run import RunSpec
from tests.chaos.conftest import SAVED_EVERY
from tests.chaos.scenario import Driver, Lost, Scenario

SIZE_MIB = 64


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; skipped where it cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(place)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> None:
    """Take what is left."""
    with (place / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            return


def test_disk_full_at_a_checkpoint(
    small_disk: Path,
    run_of: Callable[..., RunSpec],
    quiet: Callable[[int], str],
    report_cost: Callable[[Lost], None],
    migrated_mlflow: Path,
    tmp_path: Path,
) -> None:
    shutil.copyfile(migrated_mlflow, tmp_path / "elsewhere.db")
    run = run_of(workers=1, root=f"file://{small_disk}")
    scenario = Scenario(run=run, folder=str(tmp_path / "disturbed"), pace_s=0.5)
    driver = Driver(scenario, environment={"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/elsewhere.db"})
    try:
        driver.wait_for_step(SAVED_EVERY + 2)
        fill(small_disk)
        assert driver.wait() == 1, driver.said()
        assert "is full" in driver.said()
        assert "Traceback" not in driver.said().rpartition("failed:")[2]
        (small_disk / "filler").unlink()
        driver.again()
        assert driver.wait() == 0, driver.said()
        assert driver.weights() == quiet(1)
        report_cost(driver.lost())
    finally:
        driver.end()
