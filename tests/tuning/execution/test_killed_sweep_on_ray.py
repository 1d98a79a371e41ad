"""A sweep whose driver is killed twice, by SIGKILL: the same command ends it, and nothing is paid twice.

First it runs on three nodes and is killed when each of them has trained, one trial has ended and another one is between two
rungs. Then it runs on a Ray of its own and is killed while its winner is being written. Then it may end.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import optuna
import psutil
import pytest
import ray.cluster_utils

from rayfill.registry.audit import AuditLog
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.locations import Locations
from rayfill.training.checkpoints import Checkpoints
from rayfill.tuning.study.study import load_study
from rayfill.tuning.study.trial_record import ENDED, Record, read_records
from tests.tuning.tiny import tune_tiny, write_tiny

REPOSITORY = Path(__file__).parents[3]
TRIALS, STEPS = 5, 45
PATIENCE_S = 300.0  # on a busy machine Ray takes minutes to begin

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Left:
    """What a driver that was killed has left behind, when its trials' processes are gone.

    Attributes:
        at: when, in milliseconds as MLflow counts them.
        files: of the runs of trials that had ended: digest and time of each file.
        newest: step of the last checkpoint, by run.
        wall: seconds that drivers have noted.
    """

    at: float
    records: dict[int, Record]
    files: dict[str, dict[str, tuple[str, int]]]
    newest: dict[str, int]
    wall: float


@dataclass
class Story:
    """A sweep from its begin to its end.

    Attributes:
        left: by each driver that was killed.
        node_of: node by process that trained trials there; `at_once`, the nodes that were seen training at one moment.
        behind: processes of the second driver's own Ray that outlived it.
    """

    root: Path
    said: str = ""
    left: list[Left] = field(default_factory=list)
    node_of: dict[int, int] = field(default_factory=dict)
    at_once: set[int] = field(default_factory=set)
    behind: list[psutil.Process] = field(default_factory=list)

    @cached_property
    def study(self) -> optuna.Study:
        return load_study(f"file://{self.root}", "bases")

    @property
    def records(self) -> dict[int, Record]:
        """As they are now, by number."""
        return {record.number: record for record in read_records(self.study)}


@pytest.fixture(scope="module")
def three_nodes() -> Iterator[ray.cluster_utils.Cluster]:
    """A cluster of three nodes with a CPU each."""
    cluster = ray.cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory, tiny_root: Path, migrated_mlflow: Path, three_nodes: ray.cluster_utils.Cluster
) -> Story:
    folder = tmp_path_factory.mktemp("killed")
    story = Story(folder / "root")
    story.root.mkdir()
    shutil.copyfile(migrated_mlflow, story.root / "mlflow.db")
    steps = {"phases.0.steps": STEPS, "training.checkpoint_every": 10, "training.grid_every": STEPS}
    sweep = write_tiny(folder, set=steps, prune={"kind": "asha", "first": 5, "reduction": 3}, budget={"trials": TRIALS})
    command = [sys.executable, "-m", "jobs.cli", *tune_tiny(sweep, tiny_root, story.root)]
    # What Ray's job supervisor sets for the driver of a submitted job.
    job = {"RAY_JOB_CONFIG_JSON_ENV_VAR": "{}", "RAY_ADDRESS": three_nodes.address}
    raylets = [node.all_processes["raylet"][0].process.pid for node in (three_nodes.head_node, *three_nodes.worker_nodes)]

    def one_ended_and_one_between_rungs() -> bool:
        working = trainers(raylets)
        story.node_of |= working
        story.at_once = max(story.at_once, set(working.values()), key=len)
        records = list(story.records.values()) if working else []
        ended = any(record.state in ENDED for record in records)
        between = any(record.state == "running" and 0 < record.step < newest(story, record) for record in records)
        return ended and between and len(story.at_once) == len(nodes_of(story, records)) == len(raylets)

    with started(command, folder / "first.log", job) as first:
        until(one_ended_and_one_between_rungs, first, folder / "first.log")
        first.kill()
    until(lambda: not trainers(raylets), None, folder / "first.log")
    story.left.append(look_at(story))

    with started(command, folder / "second.log", {}) as second:
        until((story.root / "sweeps" / "bases" / "winner.yaml").exists, second, folder / "second.log")
        own = psutil.Process(second.pid).children(recursive=True)
        second.kill()
    story.left.append(look_at(story))

    with started(command, folder / "third.log", job) as third:
        assert third.wait(PATIENCE_S) == 0, (folder / "third.log").read_text()
    story.said = (folder / "third.log").read_text()
    story.behind = psutil.wait_procs(own, timeout=PATIENCE_S)[1]
    for process in story.behind:
        process.kill()
    return story


def started(command: list[str], log: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    inherited = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    with log.open("wb") as out:
        return subprocess.Popen(command, cwd=REPOSITORY, env=inherited | env, stdout=out, stderr=out)


def until(condition: Callable[[], bool], driver: "subprocess.Popen[bytes] | None", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        assert driver is None or driver.poll() is None, log.read_text()
        time.sleep(0.1)


def trainers(raylets: list[int]) -> dict[int, int]:
    """Node by process of each actor that trains a trial right now: Ray shows what it does in its name."""
    found = {}
    for process in psutil.process_iter(["ppid", "cmdline"]):
        if process.info["ppid"] in raylets and "TrialActor.train" in " ".join(process.info["cmdline"] or ()):
            found[process.pid] = raylets.index(process.info["ppid"])
    return found


def nodes_of(story: Story, records: Iterable[Record]) -> set[int]:
    """Nodes that trials say they were on."""
    processes = {int(record.host.rpartition(" ")[2]) for record in records if record.host}
    return {story.node_of[process] for process in processes & story.node_of.keys()}


def newest(story: Story, record: Record) -> int:
    found = Checkpoints(f"file://{story.root}", record.run, 1).newest()
    return found.step if found else 0


def look_at(story: Story) -> Left:
    records = story.records
    wall = float(story.study.user_attrs["wall_seconds"])
    files = {record.run: files_of(story, record.run) for record in records.values() if record.state in ENDED}
    return Left(time.time() * 1000, records, files, {r.run: newest(story, r) for r in records.values()}, wall)


def files_of(story: Story, run: str) -> dict[str, tuple[str, int]]:
    folder = story.root / "runs" / run
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_had_ended_is_kept_to_the_bit(story: Story) -> None:
    assert [len(left.files) for left in story.left] > [0, TRIALS - 1]
    for left in story.left:
        assert {run: files_of(story, run) for run in left.files} == left.files
        ended = {number: record for number, record in left.records.items() if record.state in ENDED}
        assert {number: story.records[number] for number in ended} == ended


def test_what_was_running_goes_on_from_its_last_checkpoint(story: Story) -> None:
    place = mlflow_place(Locations(str(story.root)))
    experiment = client(place).get_experiment_by_name("rayfill")
    assert experiment is not None
    left = story.left[0]
    running = [record for record in left.records.values() if record.state == "running" and left.newest[record.run]]
    assert running
    for record in running:
        now = story.records[record.number]
        assert (now.params, now.curve[: len(record.curve)]) == (record.params, record.curve)
        (found,) = client(place).search_runs([experiment.experiment_id], f"tags.`rayfill.run` = '{record.run}'")
        history = client(place).get_metric_history(found.info.run_id, "generator/reconstruction")
        again = sorted(m.step for m in history if m.timestamp > left.at)
        begin = left.newest[record.run] + 1
        assert again == list(range(begin, begin + len(again)))
        reached = (record.step, left.newest[record.run])
        assert again or now.step in reached, "it was stopped at a rung that it had reached, or had been trained to its end"


def test_every_trial_is_one_run_and_the_budget_counts_them_all(story: Story) -> None:
    assert sorted(story.records) == list(range(TRIALS))
    assert {record.state for record in story.records.values()} <= {"complete", "pruned"}
    assert sorted(path.name for path in (story.root / "runs").iterdir()) == [f"bases-{n:04d}" for n in range(TRIALS)]
    assert all(story.records[n].seconds >= record.seconds for n, record in story.left[0].records.items())
    assert 0 < story.left[0].wall < story.left[1].wall


def test_the_winner_is_put_up_once(story: Story) -> None:
    events = AuditLog(Locations(str(story.root)), "gdn").events()
    assert [event.alias for event in events] == ["challenger"]
    assert f"{TRIALS} of {TRIALS} trials are used up" in story.said


def test_a_killed_driver_takes_its_own_ray_along(story: Story) -> None:
    assert story.behind == []


def test_three_nodes_train_trials_at_once_and_a_trial_says_where_it_was(story: Story) -> None:
    assert story.at_once == {0, 1, 2}
    assert nodes_of(story, story.left[0].records.values()) == {0, 1, 2}
