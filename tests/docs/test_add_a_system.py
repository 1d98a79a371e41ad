"""docs/add-a-system.md works as it stands: its blocks make a system that trains two steps and inpaints a picture."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model, save_model
from rayfill.spec.loading.document import load_spec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems import SYSTEMS
from rayfill.systems.check_recipe import check_recipe
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "add-a-system.md").read_text()
CPU = torch.device("cpu")

NAMED_BLOCK = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECOND_SECTION = re.compile(r"^## 2\..*?(?=^## 3\.)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The page's files at the places that it names, below a folder that also has what recipes extend."""
    shutil.copytree(ROOT / "jobs" / "recipes" / "common", tmp_path / "jobs" / "recipes" / "common")
    written = {}
    for name, text in NAMED_BLOCK.findall(PAGE):
        written[name] = tmp_path / name
        written[name].parent.mkdir(parents=True, exist_ok=True)
        written[name].write_text(text)
    return written


@pytest.fixture
def recipe(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The page's small recipe, its system registered by the page's own lines."""
    (path,) = (p for name, p in files.items() if name.startswith("platform/"))
    name = f"rayfill.systems.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    section = SECOND_SECTION.search(PAGE)
    assert section is not None
    (entry,) = BLOCK.findall(section[0])
    for kind, system in eval(f"{{{entry}}}").items():
        monkeypatch.setitem(SYSTEMS, kind, system)
    (small,) = (p for name, p in files.items() if name.startswith("tests/"))
    return load_spec(small, Recipe, ["training.batch_size=2", "training.precision=fp32"])


def a_batch(side: int) -> Batch:
    mask = torch.zeros(2, 1, side, side)
    mask[0, :, 4:12, 8:20] = 1
    mask[1, :, side // 2 :] = 1
    return Batch(torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)), mask, ("a", "b"))


def test_the_page_has_a_system_a_recipe_and_a_small_one(files: dict[str, Path]) -> None:
    assert list(files) == [
        "platform/rayfill/systems/plain.py", "jobs/recipes/plain.yaml", "tests/systems/small/plain.yaml"
    ]  # fmt: skip


def test_the_page_s_system_trains_two_steps_and_inpaints_a_picture_of_odd_size(recipe: Recipe, tmp_path: Path) -> None:
    check_recipe(recipe)
    state = TrainState(recipe, CPU)
    before = {name: p.detach().clone() for name, p in state.system.named_parameters()}
    for at in range(2):
        measured = play_step(state.system, state.players, state.phase(), a_batch(recipe.images.size), recipe.training, at)
        assert all(value.isfinite() for value in measured.values())
        state.step += 1
    assert not any(torch.equal(p, before[name]) for name, p in state.system.named_parameters())
    lineage = Lineage(
        run="r", step=2, recipe={}, recipe_digest="0" * 64, dataset="file:///d", dataset_digest="0" * 64, code_version="0",
        seed=0, workers=1,
    )  # fmt: skip
    save_model(tmp_path / "model", state.system, state.inference_weights(), recipe, lineage)
    model = load_model(tmp_path / "model", CPU)
    picture = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    mask = np.zeros((37, 53), np.uint8)
    mask[5:20, 11:40] = 255
    (answer,) = inpaint(model, [picture], [mask])
    np.testing.assert_array_equal(answer.composited[mask == 0], picture[mask == 0])
    assert (answer.composited[mask > 0] != picture[mask > 0]).any()


def test_the_page_s_system_learns(recipe: Recipe) -> None:
    state, errors = TrainState(recipe, CPU), []
    for at in range(40):
        measured = play_step(state.system, state.players, state.phase(), a_batch(recipe.images.size), recipe.training, at)
        errors.append(float(measured["unet/error"]))
    assert errors[-1] < errors[0]


def test_the_page_s_full_recipe_fits_its_system(recipe: Recipe, files: dict[str, Path]) -> None:
    full = load_spec(files["jobs/recipes/plain.yaml"], Recipe)
    check_recipe(full)
    assert full.system.kind == recipe.system.kind


def test_the_page_s_code_is_in_order(files: dict[str, Path]) -> None:
    path = files["platform/rayfill/systems/plain.py"]
    for command in (["check"], ["format", "--check"]):
        config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *config, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_that_the_page_points_to_is_there() -> None:
    named = set(re.findall(r"`(systems/[\w/]+\.py)`", PAGE))
    assert len(named) > 4
    assert [name for name in sorted(named) if not (ROOT / "platform" / "rayfill" / name).exists()] == []
