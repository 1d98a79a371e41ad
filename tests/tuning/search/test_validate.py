"""What only recipes, systems and scorecards know of a sweep's file is refused before anything starts, in one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rayfill.spec.errors import InputError
from rayfill.spec.sweep_file import read_sweep
from rayfill.tuning.search.space import Space
from rayfill.tuning.search.validate import check_sweep

SMALL = Path(__file__).parents[2] / "systems" / "small"
GDN, GATED = str(SMALL / "gdn.yaml"), str(SMALL / "gated.yaml")
KIND, BASE = "system.options.weight_map.kind", "system.options.weight_map.base"
SWEEP: dict[str, Any] = {
    "name": "checked",
    "base": GDN,
    "set": {"phases.0.steps": 900},
    "space": {"players.generator.lr": {"kind": "float", "low": 1e-5, "high": 1e-2, "log": True}},
    "objectives": [{"metric": "psnr", "direction": "maximize"}],
    "search": {"kind": "random"},
    "prune": {"kind": "asha", "first": 100},
    "budget": {"trials": 8},
    "pick": {"kind": "best"},
    "seed": 0,
}


def check(folder: Path, **changes: Any) -> Space:
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**SWEEP, **changes}))
    return check_sweep(read_sweep(path))


def number(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"kind": "float", "low": low, "high": high, **more}


def choice(*values: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "choice", "values": list(values), **more}


def objective(metric: str, direction: str = "maximize", **more: Any) -> list[dict[str, Any]]:
    return [{"metric": metric, "direction": direction, **more}]


def test_a_sweep_that_can_work_gives_its_space(tmp_path: Path) -> None:
    space = check(tmp_path, space={KIND: choice("exponential", "linear"), BASE: number(2, 99, when={KIND: "exponential"})})
    assert space.own("gdn") == {KIND: "exponential", BASE: 10.0}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"space": {"players.generator.lrr": number(0, 1)}}, "players.generator.lrr: unknown key (did you mean 'lr'?)"),
        ({"space": {"system.options.focussing": number(0, 1)}}, "unknown key (did you mean 'focusing'?)"),
        ({"space": {"masks.families.1.weight": number(0.1, 1)}}, "masks.families.1: unknown key (allowed: 0)"),
        ({"space": {"players.generator.lr": number(1e-3, 1e-2)}}, "its own value 0.0001 is not in [0.001, 0.01]"),
        ({"space": {"players.generator.lr": number(1e-5, 2)}}, "2.0 makes no valid recipe of gdn: players.generator.lr"),
        ({"space": {"players.generator.clip": number(0.5, 1)}}, "players.generator.clip: recipe gdn: its own value"),
        ({"space": {KIND: choice("exponential", "liner")}}, "'liner' makes no valid recipe of gdn"),
        ({"space": {KIND: choice("linear", "other")}}, "its own value is none of linear, other; add it"),
        (
            {
                "space": {
                    KIND: choice("exponential", "linear"),
                    "system.options.weight_map.bsae": number(2, 9, when={KIND: "exponential"}),
                }
            },
            "weight_map.bsae: recipe gdn: system.options.weight_map.bsae: unknown key (did you mean 'base'?)",
        ),
        (
            {
                "space": {
                    KIND: choice("exponential", "linear"),
                    "system.options.weight_map.bsae": number(2, 9, when={KIND: "linear"}),
                }
            },
            "weight_map.bsae",
        ),
        ({"set": {"images.sise": 64}}, "images.sise: unknown key (did you mean 'size'?)"),
        ({"set": {"phases.3.steps": 64}}, "there is no item '3', phases has items 0 to 0"),
        ({"objectives": objective("psrn")}, "objectives.0.metric: no scorecard of gdn has 'psrn' (did you mean 'psnr'?)"),
        ({"objectives": objective("psnr", "minimize")}, "objectives.0.direction: higher psnr is better, so maximize"),
        ({"objectives": objective("l1_mean")}, "objectives.0.direction: lower l1_mean is better, so minimize"),
        ({"objectives": objective("gflop"), "prune": {"kind": "none"}}, "less gflop is better, so minimize"),
        ({"objectives": objective("psnr", bucket="(0.1,0.3]")}, "objectives.0.bucket: there is no '(0.1,0.3]' (did you mean"),
        ({"objectives": objective("l1_mean", "minimize", area="hole")}, "objectives.0.area: l1_mean has no 'hole'"),
        ({"objectives": objective("ssim_w51")}, "ssim_w51 needs pictures of 51 px, those of gdn have 32"),
        (
            {"constraints": [{"measure": "parameters", "at_most": 2048.4}]},
            "has 2.048e+04 parameters, 10 times the 2048 that are allowed",
        ),
        ({"prune": {"kind": "asha", "first": 900}}, "prune.first: 900 is not below the 900 steps of gdn"),
        (
            {"base": {"gdn": GDN, "gated": GATED}, "space": {"system.options.focusing": number(0, 4)}},
            "unknown key (allowed: critic, generator); where only some recipes have it, say so by when: {base: ...}",
        ),
        ({"base": "nowhere.yaml"}, "nowhere.yaml: no such file"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        check(tmp_path, **changes)
    assert sentence in str(caught.value)


def test_a_value_that_needs_other_values_is_not_refused(tmp_path: Path) -> None:
    # The own batch is 4; 3 micro-batches fit into some others.
    space = {
        "training.accumulate": {"kind": "int", "low": 1, "high": 3},
        "training.batch_size": {"kind": "int", "low": 2, "high": 9},
    }
    assert check(tmp_path, space=space).own("gdn")["training.accumulate"] == 1


def test_the_metrics_of_a_system_itself_are_objectives(tmp_path: Path) -> None:
    base = str(SMALL / "informed-mask.yaml")
    own = objective("mask_iou", form="raw")
    with pytest.raises(InputError, match="no scorecard of gdn has 'mask_iou'"):
        check(tmp_path, objectives=own)
    space = {"players.mask.lr": number(1e-6, 1.0, log=True)}
    with pytest.raises(InputError, match="which informed-mask measures of itself, is there as raw only"):
        check(tmp_path, base=base, space=space, objectives=objective("mask_iou"), prune={"kind": "none"})
