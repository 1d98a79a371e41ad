"""The match: every contestant prepared, warmed up, and then measured round by round, each right after the other."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.loader.child import command
from benchmarks.loader.contestant import BATCH, Job
from benchmarks.loader.memory import PeakOfTree
from benchmarks.loader.process import Process, Stopped
from benchmarks.loader.store import upload

BARE, OURS = "bare loop", "rayfill"
DOCUMENTED = "documented"
NEAR, FAR, ANYWHERE = "locally", "over S3", ""


@dataclass(frozen=True)
class Plan:
    """How much is measured: batches of a round, rounds, threads, and who decodes (DOCUMENTED, or a name in square.py)."""

    dataset: str
    photographs: int
    threads: int
    batches: int
    warm: int
    rounds: int
    decoders: tuple[str, ...]


@dataclass
class Row:
    """A contestant with one decoder; `near` and `far` hold a number a round under each name that `measure` gives.

    `stopped` says why it went no further, by where: NEAR, FAR, or ANYWHERE.
    """

    name: str
    decoder: str
    resumes: str = ""
    facts: dict[str, float] = field(default_factory=dict)
    near: dict[str, list[float]] = field(default_factory=dict)
    far: dict[str, list[float]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


class Match:
    """All contestants of a run in a folder of its own; with `bucket`, each is measured from there as well.

    A contestant that fails or hangs in one place keeps what it has and is measured in the other; the others go on.
    """

    def __init__(self, plan: Plan, home: Path, bucket: str | None) -> None:
        self.plan, self.home, self.bucket = plan, home, bucket
        self.rows: list[Row] = []
        self._processes: dict[str, Process] = {}
        self._opened = 0

    def run(self, names: Sequence[str]) -> list[Row]:
        """The rows, in the order of the names."""
        try:
            for name in names:
                self._enter(name)
            for number in range(self.plan.rounds):
                _log(f"round {number + 1} of {self.plan.rounds}")
                for row in self.rows:
                    self._attempt(row, NEAR, self._near_round)
                    if self.bucket and row.name != BARE:
                        self._attempt(row, FAR, self._far_round)
            for row in self.rows:
                if row.name == OURS:
                    self._attempt(row, NEAR, self._resume_large)
        finally:
            for process in self._processes.values():
                process.end()
        return self.rows

    def _enter(self, name: str) -> None:
        """Prepare the contestant's own format in one process, and warm up another, which is the one measured."""
        _log(f"{name} ...")
        folder = self.home / name.replace(" ", "-") / "data"
        folder.mkdir(parents=True)
        log = folder.parent / "stderr"
        run = command(name, self.plan.threads)
        maker = Process(run, log)
        try:
            maker.start()
            seconds = maker.ask("prepare", dataset=self.plan.dataset, folder=str(folder))["seconds"]
            if self.bucket and name != BARE:
                upload(folder, self._far(name))
        except Stopped as stopped:
            self._absent(name, stopped)
            return
        finally:
            maker.end()
        process = self._processes[name] = Process(run, log)
        try:
            process.start()
        except Stopped as stopped:
            self._absent(name, stopped)
            return
        documented = process.hello["decoder"]
        wanted = dict.fromkeys(documented if d == DOCUMENTED or name in (BARE, OURS) else d for d in self.plan.decoders)
        for decoder in wanted:
            row = Row(name, decoder, process.hello["how"], {"import": process.hello["import"], "prepare": seconds})
            self.rows.append(row)
            self._attempt(row, NEAR, self._warm_up)

    def _absent(self, name: str, stopped: Stopped) -> None:
        self.rows.append(Row(name, "–", stopped={ANYWHERE: str(stopped)}))
        _log(f"{name}: {stopped}")

    def _attempt(self, row: Row, where: str, do: Callable[[Row], None]) -> None:
        if where in row.stopped or ANYWHERE in row.stopped:
            return
        begin = time.perf_counter()
        try:
            do(row)
        except Stopped as stopped:
            row.stopped[where] = str(stopped)
        _log(f"{row.name} ({row.decoder}) {where}: {row.stopped.get(where) or f'{time.perf_counter() - begin:.1f} s'}")

    def _warm_up(self, row: Row) -> None:
        process = self._processes[row.name]
        process.start()
        with PeakOfTree(process.pid) as peak:
            process.ask("measure", job=self._job(row, self._near(row.name)))
        row.facts["peak_mib"] = peak.mib

    def _near_round(self, row: Row) -> None:
        process = self._processes[row.name]
        _add(row.near, process.ask("measure", job=self._job(row, self._near(row.name))))
        if row.name != BARE:
            job = self._job(row, self._near(row.name))
            _add(row.near, {"resume": process.ask("resume", job=job, batches=job["epoch"] // 2)["seconds"]})

    def _far_round(self, row: Row) -> None:
        _add(row.far, self._processes[row.name].ask("measure", job=self._job(row, self._far(row.name))))

    def _resume_large(self, row: Row) -> None:
        job = self._job(row, self._near(row.name))
        large = self._processes[row.name].ask("resume_large", job=job)
        row.facts |= {"resume_large": large["seconds"], "large": large["photographs"]}

    def _near(self, name: str) -> str:
        return str(self.home / name.replace(" ", "-") / "data")

    def _far(self, name: str) -> str:
        return f"{self.bucket}/{name.replace(' ', '-')}"

    def _job(self, row: Row, place: str) -> dict[str, Any]:
        self._opened += 1
        plan = self.plan
        cache, epoch = str(self.home / f"cache-{self._opened}"), max(1, plan.photographs // BATCH)
        return asdict(Job(place, cache, plan.threads, row.decoder, epoch, plan.warm, plan.batches))


def _add(lists: dict[str, list[float]], numbers: dict[str, float]) -> None:
    for name, number in numbers.items():
        lists.setdefault(name, []).append(number)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
