"""One disturbed run: a driver process, what goes wrong in its workers, and what it cost."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal

from safetensors.torch import load_file

from rayfill.spec.base import Strict
from rayfill.spec.run import RunSpec
from tests.training.two_processes import digest_of

ROOT = Path(__file__).parents[2]
PATIENT_S = 600
"""On a busy machine Ray Train takes minutes to begin."""
SLOW_STARTS = {"RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300", "RAY_raylet_start_wait_time_s": "180"}
"""Ray reads these as it is imported."""


class Fault(Strict):
    """What one rank does as it begins a step, from 1: once, or every time."""

    what: Literal["raise", "kill", "sleep"]
    rank: int
    step: int
    one_time: bool = True


class Scenario(Strict):
    """What the driver reads.

    Attributes:
        run: to train.
        folder: for logs, marks of what has happened, and the steps as they were begun.
        faults: of the workers.
        pace_s: seconds that every step takes longer.
        address: of a Ray to connect to; None starts one.
        wait_s: seconds to wait for lost room.
        grace_s: seconds that a stop signal gives.
    """

    run: RunSpec
    folder: str
    faults: tuple[Fault, ...] = ()
    pace_s: float = 0.1
    address: str | None = None
    wait_s: float = 0.0
    grace_s: float = 60.0


@dataclass(frozen=True)
class Lost:
    """What a disturbance cost: seconds beyond those of the steps, and steps that were played more than once."""

    seconds: float
    repeated: int


@dataclass(frozen=True)
class Begun:
    """A step as rank 0 began it: when, which (from 1), and among how many workers."""

    at: float
    step: int
    world: int


class Driver:
    """A process that trains a scenario, as `rayfill train` would."""

    def __init__(self, scenario: Scenario, prefix: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> None:
        self.scenario, self._prefix = scenario, prefix
        self.folder = Path(scenario.folder)
        self.folder.mkdir(exist_ok=True)
        self.log = self.folder / "log"
        self._environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"} | SLOW_STARTS | (environment or {})
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        file = self.folder / "scenario.json"
        file.write_text(self.scenario.model_dump_json())
        with self.log.open("ab") as log:
            words = [*self._prefix, sys.executable, "-m", "tests.chaos.driver", str(file)]
            return subprocess.Popen(words, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def again(self) -> None:
        """The same command, typed once more."""
        self.process = self._start()

    def begun(self) -> list[Begun]:
        """The steps so far, in the order of time."""
        file = self.folder / "steps"
        rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [Begun(float(at), int(step), int(world)) for at, step, world in rows]

    def wait_for_step(self, step: int, world: int | None = None) -> None:
        """Until that step has begun, among so many workers."""
        deadline = time.monotonic() + PATIENT_S
        while not any(one.step >= step and world in (None, one.world) for one in self.begun()):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def wait(self) -> int:
        """Exit code, when it ends."""
        try:
            return self.process.wait(PATIENT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.said()) from None

    def said(self) -> str:
        return self.log.read_text()[-6000:]

    def end(self) -> None:
        """Kill it if it still runs; its Ray goes with it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def weights(self) -> str:
        """Digest of the model that it published."""
        run = self.scenario.run
        folder = Path(run.root.removeprefix("file://")) / "runs" / run.name / "model"
        return digest_of(load_file(folder / "weights.safetensors"))

    def lost(self) -> Lost:
        """What the disturbances cost, from the steps."""
        begun = self.begun()
        pauses = [after.at - before.at for before, after in pairwise(begun)]
        usual = median(pauses)
        different = len({one.step for one in begun})
        return Lost(max(0.0, begun[-1].at - begun[0].at - usual * (different - 1)), len(begun) - different)
