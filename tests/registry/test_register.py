"""A model folder becomes a version in a real MLflow, which can be loaded there without a pickle."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from rayfill.evaluation.scorecard import read_scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
from rayfill.registry.mlflow_place import client, ensure_experiment, mlflow_place
from rayfill.registry.register import attach_scorecard, register
from rayfill.registry.versions import list_versions
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

MakeModel = Callable[..., object]


def test_a_version_tells_where_it_comes_from(root: Path, tmp_path: Path, make_model: MakeModel) -> None:
    make_model(tmp_path / "model", name="tiny", run="tiny-7", dataset="file:///photos")
    locations = Locations(str(root))
    assert register(tmp_path / "model", locations) == 1
    (version,) = list_versions(locations)
    assert (version.name, version.version, version.run, version.system) == ("tiny", 1, "tiny-7", "gdn")
    assert (version.dataset, version.aliases, version.psnr) == ("file:///photos", (), None)
    stored = client(mlflow_place(locations)).get_model_version("tiny", "1").tags
    assert {"rayfill.recipe_digest", "rayfill.dataset_digest", "rayfill.weights_sha256", "rayfill.code_version"} <= set(stored)


def test_the_same_model_is_registered_once_and_another_gets_the_next_number(
    root: Path, tmp_path: Path, make_model: MakeModel
) -> None:
    locations = Locations(str(root))
    make_model(tmp_path / "a", seed=1)
    make_model(tmp_path / "b", seed=2)
    assert [register(tmp_path / name, locations) for name in ("a", "b", "a")] == [1, 2, 1]


def test_register_uses_the_training_runs_mlflow_run(root: Path, tmp_path: Path, make_model: MakeModel) -> None:
    locations = Locations(str(root))
    place = mlflow_place(locations)
    trained = client(place).create_run(ensure_experiment(place), tags={"rayfill.run": "tiny-1"}).info.run_id
    make_model(tmp_path / "model", run="tiny-1")
    register(tmp_path / "model", locations)
    assert client(place).get_model_version("tiny", "1").run_id == trained


@pytest.mark.filterwarnings("ignore::UserWarning")  # MLflow would like a type hint that it could infer a signature from
def test_mlflow_itself_loads_it_with_pickle_forbidden(
    root: Path, tmp_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    make_model(tmp_path / "model")
    register(tmp_path / "model", Locations(str(root)))
    (version,) = list_versions(Locations(str(root)))
    assert not [p for p in Path(version.source.removeprefix("file://")).rglob("*") if p.suffix in (".pkl", ".pt", ".pth")]
    loaded = mlflow.pyfunc.load_model(version.source)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 37, 50, 3), np.uint8)
    masks = (rng.random((2, 37, 50)) < 0.3).astype(np.uint8) * 255
    answers = loaded.predict({"image": images, "mask": masks})
    model = load_model(tmp_path / "model", torch.device("cpu"), "auto")
    expected = inpaint(model, list(images), list(masks))
    np.testing.assert_array_equal(answers, np.stack([e.composited for e in expected]))
    with pytest.raises(mlflow.MlflowException):
        loaded.predict({"image": images.astype(np.float64), "mask": masks})


def test_a_scorecard_is_stored_whole_and_its_headline_is_listed(
    root: Path, tmp_path: Path, make_model: MakeModel, make_evaluation: Callable[..., Evaluation]
) -> None:
    locations = Locations(str(root))
    make_model(tmp_path / "model")
    register(tmp_path / "model", locations)
    attach_scorecard(locations, "tiny", 1, make_evaluation(25.5))
    (version,) = list_versions(locations)
    assert version.psnr == 25.5
    mlflow_client = client(mlflow_place(locations))
    stored = mlflow_client.get_model_version("tiny", "1")
    path = mlflow_client.download_artifacts(stored.run_id, stored.tags["rayfill.scorecard"], str(tmp_path))
    assert read_scorecard(Path(path).read_text(), path) == make_evaluation(25.5).card


def test_register_refuses_a_folder_without_a_model(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a model folder, it has no model\.json"):
        register(tmp_path, Locations(str(root)))


def test_nothing_appears_in_the_working_directory(
    root: Path, tmp_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's default place is a database in the working directory; ours must never be that one."""
    make_model(tmp_path / "model")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    register(tmp_path / "model", Locations(str(root)))
    assert list(empty.iterdir()) == []
