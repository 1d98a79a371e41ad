"""Fixtures of the whole test session."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rayfill.inference.model_folder import Model
    from rayfill.spec.model import ModelCard

# Threads that wait by spinning take the cores from the processes that they wait for. torch is not imported yet.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["tests.s3_fixtures", "tests.ray_head", "tests.parallel"]

SMALL = Path(__file__).parent / "systems" / "small"
"""Every shipped recipe, made small."""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tensors in tests are small: a second thread would mostly wait, and badly where other work shares the cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray with two CPUs for the whole session: starting one costs about ten seconds."""
    import ray

    from rayfill.cluster.local import start_ray
    from rayfill.cluster.ray_environment import set_ray_environment

    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")  # the controller learns of reports and losses sooner
    set_ray_environment()
    start_ray(dashboard=True, cpus=2)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def make_model() -> "Callable[..., ModelCard]":
    """A GDN with a few random weights, as a model folder: `make_model(folder, name=, run=, seed=, dataset=)` gives its card."""
    import torch

    from rayfill.inference.model_folder import save_model
    from rayfill.spec.model import Lineage, ModelCard
    from rayfill.spec.recipe import Recipe, SystemChoice
    from rayfill.systems import build_system

    options = {
        "generator": {"width": 4, "blocks": 1, "dilate": "first"},
        "detector": {"width": 4},
        "detection_loss": "focal",
        "focusing": 2.0,
        "weight_map": {"kind": "linear"},
        "detach_weight": False,
    }

    def make(
        folder: Path, name: str = "tiny", run: str = "tiny-1", seed: int = 0, dataset: str = "file:///photos"
    ) -> ModelCard:
        torch.manual_seed(seed)
        choice = SystemChoice(kind="gdn", options=options)
        system = build_system(choice)
        # A saved model tells of its recipe the name, the system and the size; training itself is not looked at.
        recipe = Recipe.model_construct(name=name, system=choice, images=SimpleNamespace(size=32))
        lineage = Lineage(
            run=run,
            step=1,
            recipe={},
            recipe_digest="0" * 64,
            dataset=dataset,
            dataset_digest="1" * 64,
            code_version="test",
            seed=seed,
            workers=1,
        )
        return save_model(folder, system, dict(system.named_parameters()), recipe, lineage)

    return make


@pytest.fixture(scope="session")
def make_system_model() -> "Callable[[str, Path], Model]":
    """An untrained model of any shipped recipe, made small: `make_system_model("lama", folder)` writes it and loads it."""
    import torch

    from rayfill.inference.model_folder import Model, load_model, save_model
    from rayfill.spec.loading.document import load_spec
    from rayfill.spec.model import Lineage
    from rayfill.spec.recipe import Recipe
    from rayfill.training.state import TrainState

    def make(name: str, folder: Path) -> Model:
        recipe = load_spec(SMALL / f"{name}.yaml", Recipe)
        state = TrainState(recipe, torch.device("cpu"))
        lineage = Lineage(
            run=f"{name}-1",
            step=0,
            recipe=recipe.model_dump(mode="json"),
            recipe_digest=recipe.digest(),
            dataset="file:///photos",
            dataset_digest="1" * 64,
            code_version="test",
            seed=0,
            workers=1,
        )
        save_model(folder, state.system, state.inference_weights(), recipe, lineage)
        return load_model(folder, torch.device("cpu"))

    return make


@pytest.fixture(scope="session")
def migrated_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database: making one takes seconds, copying it none."""
    from rayfill.registry.mlflow_place import MlflowPlace, client

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client(MlflowPlace(f"sqlite:///{path}", None))
    return path


@pytest.fixture
def root(tmp_path: Path, migrated_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rayfill root of its own, with an MLflow that is ready."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "root"
    folder.mkdir()
    shutil.copyfile(migrated_mlflow, folder / "mlflow.db")
    return folder
