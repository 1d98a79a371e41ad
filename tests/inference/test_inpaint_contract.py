"""Any size in, known pixels bit-identical out; a model folder survives the way to disk and nothing else gets in."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model, save_model
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system

RECIPES = Path(__file__).parent.parent.parent / "jobs" / "recipes"
CPU = torch.device("cpu")
LINEAGE = {
    "run": "r", "step": 1, "recipe": {}, "recipe_digest": "0" * 64, "dataset": "file:///d", "dataset_digest": "0" * 64,
    "code_version": "0", "seed": 0, "workers": 1,
}  # fmt: skip


def saved(folder: Path, name: str = "gdn") -> Path:
    small = ["system.options.generator.width=4", "system.options.generator.blocks=1", "images.size=32"]
    recipe = load_spec(RECIPES / f"{name}.yaml", Recipe, small)
    torch.manual_seed(0)
    system = build_system(recipe.system)
    save_model(folder, system, dict(system.state_dict()), recipe, Lineage.model_validate(LINEAGE))
    return folder


@pytest.mark.parametrize("name", ["gdn", "weighted", "adversarial"])
@pytest.mark.parametrize(("height", "width"), [(255, 371), (32, 32), (5, 7), (1, 1)])
def test_known_pixels_come_back_untouched_in_any_size(tmp_path: Path, name: str, height: int, width: int) -> None:
    model = load_model(saved(tmp_path, name), CPU)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = (rng.random((height, width)) < 0.3).astype(np.uint8)
    before = picture.copy()
    answer = inpaint(model, [picture], [mask])[0]
    assert answer.composited.shape == answer.raw.shape == picture.shape
    assert np.array_equal(answer.composited[mask == 0], before[mask == 0])
    assert np.array_equal(answer.composited[mask > 0], answer.raw[mask > 0])
    assert np.array_equal(picture, before)


def test_pictures_of_several_sizes_are_answered_in_order(tmp_path: Path) -> None:
    model = load_model(saved(tmp_path), CPU)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in [(20, 30), (33, 17), (20, 30)]]
    masks = [(rng.random(p.shape[:2]) < 0.3).astype(np.uint8) for p in pictures]
    together = inpaint(model, pictures, masks)
    for picture, mask, answer in zip(pictures, masks, together, strict=True):
        alone = inpaint(model, [picture], [mask])[0]
        assert np.abs(alone.raw.astype(int) - answer.raw).max() <= 1


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    model = load_model(saved(tmp_path), CPU)
    with pytest.raises(ValueError, match="mask of 4x5 for a picture of 7x6"):
        inpaint(model, [np.zeros((6, 7, 3), np.uint8)], [np.zeros((5, 4), np.uint8)])


def test_a_critic_is_not_part_of_the_model(tmp_path: Path) -> None:
    model = load_model(saved(tmp_path, "adversarial"), CPU)
    assert [name for name, _ in model.system.named_children()] == ["generator"]


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path) / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="its SHA-256 is not the one in model.json"):
        load_model(tmp_path, CPU)


def test_an_incomplete_or_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder, it has no model.json"):
        load_model(tmp_path, CPU)
    saved(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(InputError, match="incomplete model folder, it has no weights.safetensors"):
        load_model(tmp_path, CPU)


def test_a_card_that_does_not_fit_its_weights_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path) / "model.json"
    card = json.loads(path.read_text())
    card["system"]["options"]["generator"]["width"] = 8
    path.write_text(json.dumps(card))
    with pytest.raises(InputError, match="the weights do not fit system 'gdn'"):
        load_model(tmp_path, CPU)


def test_a_card_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path) / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"run_me": "import os"}))
    with pytest.raises(InputError, match="run_me: unknown key"):
        load_model(tmp_path, CPU)


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    (folder / "weights.safetensors").write_bytes(b"\x80\x04K\x01.")  # a pickle
    card = json.loads((folder / "model.json").read_text())
    card["weights_sha256"] = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="not a safetensors file"):
        load_model(folder, CPU)
