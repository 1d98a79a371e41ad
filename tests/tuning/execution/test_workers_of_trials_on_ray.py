"""Trials of several workers on a real Ray: one that is stopped at a rung gives everything back at once."""

import time
from pathlib import Path

import pytest
import ray
from ray.util import placement_group_table

from rayfill.tuning.execution.run_sweep import run_sweep
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.trial_record import read_records
from tests.tuning.pretend import costs
from tests.tuning.tiny import begin_tiny


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_trial_of_two_workers_that_is_stopped_frees_them_at_once(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, migrated_mlflow: Path
) -> None:
    begun = begin_tiny(
        tmp_path,
        tiny_root,
        migrated_mlflow,
        trial={"cpus": 1, "workers": 2},
        prune={"kind": "asha", "first": 3},
        budget={"trials": 2},
    )
    # A first trial that nobody can match, so that ASHA stops the other at its first rung.
    proposals = Proposals(begun.study, Space(begun.spec.searched, begun.spec.bases), begun.spec, measure=costs, gpus=0.0)
    best = proposals.ask()
    assert best is not None
    for step in (3, 9):
        proposals.report(best.number, step, float(step), {"psnr": 99.0})
    proposals.tell(best.number, "complete")
    run_sweep(begun.study, costs)
    _, stopped = read_records(begun.study)
    assert (stopped.state, stopped.step) == ("pruned", 3)
    deadline = time.monotonic() + 30
    while ray.available_resources().get("CPU", 0) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ray.available_resources()["CPU"] == 2
    assert {group["state"] for group in placement_group_table().values()} <= {"REMOVED"}
