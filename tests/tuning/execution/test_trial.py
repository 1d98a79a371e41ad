"""A trial is the one training loop: dropped or killed at any step and begun again, it gives the same numbers and weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.inference.model_card import load_card
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.training.checkpoints import Checkpoints
from rayfill.tuning.execution.trial import train_trial, why_hopeless
from rayfill.tuning.study.rung import Rung
from tests.tuning.pretend import RATE
from tests.tuning.tiny import STEPS, begin_tiny, job_of, published

Begin = Callable[..., SweepSpec]
RUNGS = [1, 3, STEPS]


@pytest.fixture
def spec(tmp_path: Path, tiny_root: Path, migrated_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> SweepSpec:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return begin_tiny(tmp_path, tiny_root, migrated_mlflow).spec


def weights(spec: SweepSpec, run: str) -> bytes:
    return published(spec, run)["weights.safetensors"]


def test_it_is_measured_at_its_rungs_and_leaves_a_model_that_says_whose_it_is(spec: SweepSpec) -> None:
    rungs = list(train_trial(job_of(spec)))
    assert [rung.step for rung in rungs] == RUNGS
    assert all(rung.metrics.keys() == {"psnr"} and 0 < rung.metrics["psnr"] < 100 for rung in rungs)
    assert 0 < rungs[0].seconds < rungs[1].seconds < rungs[2].seconds
    card = load_card(Path(spec.root.removeprefix("file://")) / "runs" / "bases-0000" / "model")
    assert card.lineage.trial is not None
    assert (card.lineage.trial.sweep, card.lineage.trial.number, card.lineage.step) == ("bases", 0, STEPS)


@pytest.mark.parametrize("rung", [0, 1])
def test_dropped_at_a_rung_and_begun_again_it_ends_as_if_nothing_had_been(spec: SweepSpec, rung: int) -> None:
    whole = list(train_trial(job_of(spec, "bases-0000")))
    first = train_trial(job_of(spec, "bases-0001"))
    told = [next(first) for _ in range(rung + 1)]
    first.close()
    known = tuple(one.step for one in told)
    rest = list(train_trial(job_of(spec, "bases-0001", known=known)))
    assert [one.step for one in rest] == RUNGS[rung + 1 :]
    assert [one.metrics for one in (*told, *rest)] == [one.metrics for one in whole]
    assert weights(spec, "bases-0000") == weights(spec, "bases-0001")
    assert rest[0].seconds > told[-1].seconds, "what was spent before counts"


def test_a_rung_that_nobody_heard_of_is_told_again_without_training(spec: SweepSpec) -> None:
    job = job_of(spec)
    first = train_trial(job)
    unheard = next(first)
    first.close()
    again = train_trial(job)
    assert next(again).metrics == unheard.metrics
    again.close()


def test_an_end_that_nobody_heard_of_is_told_again_without_training(spec: SweepSpec) -> None:
    job = job_of(spec)
    ended = list(train_trial(job))
    newest = Checkpoints(spec.root, job.run.name, 1).newest()
    assert newest is not None
    assert newest.step == STEPS
    again: list[Rung] = list(train_trial(job_of(spec, known=(1, 3, STEPS))))
    assert [(rung.step, rung.metrics) for rung in again] == [(STEPS, ended[-1].metrics)]


def test_two_checkpoints_are_kept_beside_the_model(spec: SweepSpec) -> None:
    list(train_trial(job_of(spec)))
    kept = Path(spec.root.removeprefix("file://")) / "runs" / "bases-0000"
    assert sorted(path.parent.name for path in kept.glob("step-*/complete.json")) == ["step-000000008", "step-000000009"]


def test_a_rate_that_breaks_the_weights_is_a_reason_and_leaves_no_model(spec: SweepSpec) -> None:
    job = job_of(spec)
    tree = job.model_dump(mode="json")
    tree["run"]["recipe"]["players"]["generator"] |= {"lr": 1.0, "clip": None}
    tree["run"]["recipe"]["players"]["generator"]["terms"]["reconstruction"] = 1e38
    with pytest.raises(Failed, match=r"step \d: generator/") as caught:
        list(train_trial(type(job).model_validate(tree)))
    assert why_hopeless(caught.value)
    assert not (Path(spec.root.removeprefix("file://")) / "runs" / job.run.name / "model").exists()


def test_mlflow_shows_it_below_the_sweep_with_its_objective_by_step(spec: SweepSpec) -> None:
    list(train_trial(job_of(spec, "bases-0004", **{RATE: 0.001})))
    place = mlflow_place(Locations(spec.root))
    experiment = client(place).get_experiment_by_name("rayfill")
    assert experiment is not None
    (found,) = client(place).search_runs([experiment.experiment_id], "tags.`rayfill.run` = 'bases-0004'")
    assert (found.info.status, found.data.tags["mlflow.parentRunId"]) == ("FINISHED", "0" * 32)
    assert [m.step for m in client(place).get_metric_history(found.info.run_id, "sweep/psnr")] == RUNGS


def test_only_what_may_go_better_next_time_is_tried_again() -> None:
    assert why_hopeless(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")) is not None
    assert why_hopeless(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")) is not None
    assert why_hopeless(OSError("connection reset")) is None
    assert why_hopeless(RuntimeError("NCCL timeout")) is None
