"""MLflow being away costs neither the run nor a number."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from rayfill.registry.mlflow_place import MlflowPlace, client, ensure_experiment, mlflow_place
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.training.tracking import Tracker, close_tracked_run, flatten, open_tracked_run
from tests.fault_proxy import FaultProxy, error


@pytest.fixture
def place(root: Path) -> MlflowPlace:
    return mlflow_place(Locations(str(root)))


def test_a_run_is_opened_once_and_taken_up_again(place: MlflowPlace, small_run: Callable[..., RunSpec]) -> None:
    first = open_tracked_run(place, small_run(run="tracked"))
    close_tracked_run(place, first, "KILLED")
    assert open_tracked_run(place, small_run(run="tracked")) == first
    run = client(place).get_run(first)
    assert run.info.status == "RUNNING"
    assert run.data.params["players.generator.lr"] == "0.0001"
    assert run.data.params["masks.families.0.kind"] == "irregular"
    assert open_tracked_run(place, small_run(run="another")) != first


def test_rows_wait_while_mlflow_is_away_and_arrive_when_it_is_back(
    place: MlflowPlace, small_run: Callable[..., RunSpec], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = open_tracked_run(place, small_run(run="patient"))
    tracker = Tracker(place, run_id)
    reached = tracker._mlflow.log_batch

    def away(*_: Any, **__: Any) -> None:
        raise MlflowException("connection refused")

    monkeypatch.setattr(tracker._mlflow, "log_batch", away)
    tracker.metrics(1, {"loss": 3.0})
    tracker.metrics(2, {"loss": 2.0})
    assert capsys.readouterr().err.count("MLflow does not answer") == 1
    monkeypatch.setattr(tracker._mlflow, "log_batch", reached)
    tracker.metrics(3, {"loss": 1.0})
    history = client(place).get_metric_history(run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 3.0), (2, 2.0), (3, 1.0)]


def test_files_wait_for_a_bucket_that_is_away_and_a_refused_picture_stops_nothing(
    place: MlflowPlace,
    s3_url: str,
    s3_faults: FaultProxy,
    small_run: Callable[..., RunSpec],
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = replace(place, artifact_root=f"{s3_url}/mlflow-artifacts")
    ensure_experiment(place)
    picture = np.zeros((8, 8, 3), np.uint8)
    s3_faults.away(2)
    run_id = open_tracked_run(place, small_run(run="pictured"))
    assert client(place).list_artifacts(run_id)[0].path == "run.json"
    tracker = Tracker(place, run_id)
    s3_faults.away(2)
    tracker.picture("samples", 1, picture)
    assert "MLflow does not answer" not in capsys.readouterr().err
    s3_faults.fail(error(403, "AccessDenied"))
    tracker.picture("samples", 2, picture)
    assert capsys.readouterr().err.count("MLflow does not answer") == 1
    tracker.picture("samples", 3, picture)
    logged = " ".join(file.path for file in client(place).list_artifacts(run_id, "images")).replace("%2B", "+")
    assert "samples+step+1+" in logged
    assert "samples+step+3+" in logged


def test_nested_values_become_dotted_keys() -> None:
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": None}]}
    assert flatten(tree, "") == [("a.b", "1"), ("a.c", "[1, 2]"), ("d.0.e", "None")]
