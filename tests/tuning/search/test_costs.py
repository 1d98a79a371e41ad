"""Costs are those of the networks that inpaint, and of a whole search where inpainting is one."""

from pathlib import Path

import pytest
import torch

from rayfill.inference.flops import gflop
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.tuning.search.costs import along_search, inpainting_gflop, measure

ROOT = Path(__file__).parents[3]
SMALL = sorted((ROOT / "tests" / "systems" / "small").glob("*.yaml"))


def recipe(name: str, *overrides: str) -> Recipe:
    return load_spec(ROOT / "tests" / "systems" / "small" / f"{name}.yaml", Recipe, overrides)


def test_only_networks_that_inpaint_count() -> None:
    gated = recipe("gated")
    system = build_system(gated.system)
    critic = sum(p.numel() for p in system.critic.parameters())  # type: ignore[operator,union-attr]
    everything = sum(p.numel() for p in system.parameters())
    assert measure(gated, ("parameters",)) == {"parameters": everything - critic}


def test_gflop_are_of_one_picture_of_the_trained_size() -> None:
    gdn = recipe("gdn", "images.size=64")
    system = build_system(gdn.system)
    contract = system.contract(system.Options.model_validate(gdn.system.options))
    image, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    assert measure(gdn, ("gflop",))["gflop"] == pytest.approx(gflop(lambda: inpaint_batch(system, contract, image, mask)))
    assert measure(recipe("gdn"), ("gflop",))["gflop"] == pytest.approx(measure(gdn, ("gflop",))["gflop"] / 4, rel=0.05)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_every_system_can_be_counted(path: Path) -> None:
    one = load_spec(path, Recipe)
    counted = measure(one, ("parameters", "gflop"))
    assert counted["parameters"] > 0
    assert counted["gflop"] > 0


def test_a_search_costs_as_much_as_all_its_steps() -> None:
    lsgan = recipe("lsgan", "system.options.search.steps=30")
    system = build_system(lsgan.system)
    contract = system.contract(system.Options.model_validate(lsgan.system.options))
    image, mask = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1
    whole = gflop(lambda: inpaint_batch(system, contract, image, mask))
    assert inpainting_gflop(lsgan.system, 32) == pytest.approx(whole, rel=0.01)
    steps = along_search(lsgan.system, lambda choice: choice.options["search"]["steps"])
    assert steps == 30


def test_milliseconds_are_measured_once_for_the_same_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    first = measure(recipe("gdn"), ("milliseconds",))
    assert 0 < first["milliseconds"] < 10_000
    monkeypatch.setattr("rayfill.tuning.search.costs.inpainting_seconds", lambda *_: pytest.fail("measured again"))
    assert measure(recipe("gdn", "players.generator.lr=1e-3", "training.seed=7"), ("milliseconds",)) == first
