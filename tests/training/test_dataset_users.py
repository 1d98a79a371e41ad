"""Users of a dataset: unfinished runs and sweeps, and registered versions."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.tags import CARD_DIGEST, DATASET, RUN, SYSTEM
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.training.dataset_users import users_of
from rayfill.training.run_directory import claim
from tests.tuning.pretend import begin


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return Locations(str(tmp_path / "root"))


def run_of(locations: Locations, small_run: Callable[..., RunSpec], name: str, dataset: str) -> RunSpec:
    return claim(small_run(run=name).model_copy(update={"root": locations.root, "dataset": locations.dataset(dataset)}))


def test_an_unfinished_run_needs_its_dataset_and_a_finished_one_does_not(
    locations: Locations, small_run: Callable[..., RunSpec]
) -> None:
    for name, dataset in (("one", "photos"), ("two", "photos"), ("three", "others")):
        run_of(locations, small_run, name, dataset)
    assert users_of(locations.dataset("photos"), locations) == ["unfinished run one", "unfinished run two"]
    model = Path(locations.run_model("one").removeprefix("file://"))
    model.mkdir()
    (model / "model.json").write_text("{}")
    assert users_of(locations.dataset("photos"), locations) == ["unfinished run two"]
    assert users_of(locations.dataset("nothing"), locations) == []


def test_a_registered_version_needs_it(locations: Locations) -> None:
    mlflow_client = client(mlflow_place(locations))
    mlflow_client.create_registered_model("gdn")
    tags = {DATASET: locations.dataset("photos"), RUN: "one", SYSTEM: "gdn", CARD_DIGEST: "0" * 64}
    mlflow_client.create_model_version("gdn", f"{locations.root}/x", tags=tags)
    assert users_of(locations.dataset("photos"), locations) == ["model gdn/1"]
    assert users_of(f"{locations.dataset('photos')}@{'0' * 64}", locations) == ["model gdn/1"]
    assert users_of(locations.dataset("others"), locations) == []


def test_a_sweep_without_a_winner_needs_it(locations: Locations, tmp_path: Path) -> None:
    made = begin(tmp_path)
    locations = Locations(made.spec.root)
    assert users_of(made.spec.dataset, locations) == [f"unfinished sweep {made.spec.name}"]
    place = Path(locations.sweep(made.spec.name).removeprefix("file://"))
    (place / "winner.yaml").write_text("name: gdn\n")
    assert users_of(made.spec.dataset, locations) == []
    shutil.rmtree(place)
