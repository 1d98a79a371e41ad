"""A sweep's file is checked before anything runs, and every finding is one sentence."""

from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.sweep import Objective, Sweep
from rayfill.spec.sweep_search import ASHA, Median, NoPruning

SWEEP = """
name: bases
base: ../recipes/gdn.yaml
space:
  map.kind: {kind: choice, values: [exponential, linear]}
  map.base: {kind: float, low: 2, high: 100, log: true, when: {map.kind: exponential}}
  blocks: {kind: int, low: 2, high: 8, step: 2}
  families: {kind: choice, values: {own: [{kind: irregular}], both: [{kind: irregular}, {kind: centre}]}}
objectives: [{metric: psnr, direction: maximize}]
search: {kind: tpe}
prune: {kind: asha, first: 100}
budget: {trials: 8}
pick: {kind: best}
seed: 0
"""
NUMBERS = "{a: {kind: float, low: 0, high: 1}, b: {kind: int, low: 0, high: 3}}"
TWO = "[{metric: psnr, direction: maximize}, {metric: milliseconds, direction: minimize}]"


def load(tmp_path: Path, text: str, *overrides: str) -> Sweep:
    (tmp_path / "s.yaml").write_text(text)
    return load_spec(tmp_path / "s.yaml", Sweep, overrides, paths=("base",))


def test_a_sweep_loads_and_its_recipe_lies_beside_it(tmp_path: Path) -> None:
    sweep = load(tmp_path, SWEEP)
    assert sweep.budget.trials == 8
    assert sweep.bases == {"gdn": str(tmp_path.parent / "recipes" / "gdn.yaml")}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("low: 2, high: 100", "low: 200, high: 100", "space.map.base: the range is empty: low 200.0 is not below high 100.0"),
        ("low: 2, high: 100", "low: 0, high: 100", "space.map.base: a logarithmic range needs low above 0"),
        (
            "low: 2, high: 8, step: 2",
            "low: 2, high: 9, step: 2",
            "space.blocks: high cannot be reached from low in whole steps",
        ),
        ("low: 2, high: 8, step: 2", "low: 2, high: 8, step: 2, log: true", "space.blocks: a range has either log or step"),
        ("kind: float", "kind: flaot", "space.map.base.kind: unknown kind 'flaot' (did you mean 'float'?)"),
        ("[exponential, linear]", "[exponential]", "space.map.kind.values: a choice has at least two values"),
        ("[exponential, linear]", "[linear, linear]", 'space.map.kind.values: the value "linear" is there twice'),
        (
            "{map.kind: exponential}",
            "{map.knid: x}",
            "space.map.base.when: 'map.knid' is no key of the space (did you mean 'map.kind'?)",
        ),
        ("{map.kind: exponential}", "{map.kind: exponent}", "'map.kind' never is 'exponent' (did you mean 'exponential'?)"),
        ("{map.kind: exponential}", "{blocks: 3}", "'blocks' never is 3 (allowed: 2 to 8 in steps of 2)"),
        ("{map.kind: exponential}", "{map.base: 3}", "a real number is no condition"),
        (
            "step: 2}",
            "step: 2, when: {families: both}}\n  a: {kind: int, low: 0, high: 1, when: {a: 1}}",
            "space.a: its `when` leads back",
        ),
        ("maximize", "maximise", "objectives.0.direction: input should be 'maximize' or 'minimize'"),
        ("budget: {trials: 8}", "budget: {}", "budget: give at least one of trials, hours and gpu_hours"),
        ("budget: {trials: 8}", "budget: {trails: 8}", "budget.trails: unknown key (did you mean 'trials'?)"),
        ("pick: {kind: best}", "pick: {kind: knee}", "pick.kind: a knee needs several objectives; allowed are best and bound"),
        (
            "pick: {kind: best}",
            "pick: {kind: bound, metric: miliseconds, at_most: 5, then: psnr}",
            "pick.metric: 'miliseconds' cannot be bounded from above (did you mean 'milliseconds'?)",
        ),
        (
            "pick: {kind: best}",
            "pick: {kind: bound, metric: gflop, at_most: 5, then: pnsr}",
            "pick.then: no objective is 'pnsr' (did you mean 'psnr'?)",
        ),
        ("[{metric: psnr, direction: maximize}]", TWO, "pick.kind: with several objectives there is no best"),
        (
            "seed: 0",
            "seed: 0\nconstraints: [{measure: paramters, at_most: 1}]",
            "unknown measure 'paramters' (did you mean 'parameters'?)",
        ),
        ("first: 100", "first: 100, by: ssim", "prune.by: no objective that is measured in training is 'ssim'"),
        ("tpe", "gp", "search.kind: gp would draw 'map.base', which has a `when`, at random; allowed: tpe, random, grid"),
        ("tpe", "nsga2", "search.kind: nsga2 would draw 'map.base'"),
        ("tpe", "cmaes", "search.kind: cmaes would draw 'map.base'"),
        ("tpe", "grid", "space.map.base: a grid needs a step here"),
    ],
)
def test_a_wrong_sweep_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in SWEEP
    with pytest.raises(InputError) as caught:
        load(tmp_path, SWEEP.replace(old, new))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("space={a: {kind: float, low: 0, high: 1}}", "cmaes needs at least two keys"),
        (
            "space={a: {kind: float, low: 0, high: 1}, b: {kind: choice, values: [1, 2]}}",
            "cmaes would draw 'b', which is a choice",
        ),
        (f"space={NUMBERS}", None),
        ("base={a: a.yaml, b: b.yaml}", "cmaes would draw"),
    ],
)
def test_cmaes_is_for_numbers(tmp_path: Path, override: str, sentence: str | None) -> None:
    text = SWEEP.replace("tpe", "cmaes")
    if sentence is None:
        assert load(tmp_path, text, override).search.kind == "cmaes"
        return
    with pytest.raises(InputError) as caught:
        load(tmp_path, text, override)
    assert sentence in str(caught.value)


def test_cycles_are_refused(tmp_path: Path) -> None:
    space = "{a: {kind: int, low: 0, high: 1, when: {b: 1}}, b: {kind: int, low: 0, high: 1, when: {a: 1}}}"
    with pytest.raises(InputError, match=r"space\.a: its `when` leads back to itself, through b"):
        load(tmp_path, SWEEP, f"space={space}")


def test_overrides_reach_keys_that_have_dots(tmp_path: Path) -> None:
    sweep = load(tmp_path, SWEEP, "space.map.base.high=50", "budget.trials=3", "base=other.yaml")
    assert sweep.space["map.base"].high == 50  # type: ignore[union-attr]
    assert sweep.budget.trials == 3
    assert sweep.base == "other.yaml"


def test_a_sweep_that_extends_another_keeps_its_recipe_and_may_drop_keys(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "below.yaml").write_text(SWEEP)
    sweep = load(tmp_path, "extends: far/below.yaml\ndrop: [space.map.base]\nset: {images: {size: 32}}\n")
    assert sweep.bases["gdn"] == str(tmp_path / "recipes" / "gdn.yaml")
    assert list(sweep.space) == ["map.kind", "blocks", "families"]


def test_labels_say_what_is_not_as_usual() -> None:
    assert Objective(metric="psnr", direction="maximize").label == "psnr"
    assert Objective(metric="psnr", direction="maximize", area="hole", bucket="(0.1,0.2]").label == "psnr/hole/(0.1,0.2]"
    assert Objective(metric="ssim", direction="maximize", form="raw").label == "ssim/raw"


def test_costs_are_those_that_anything_asks_for(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        SWEEP,
        f"objectives={TWO}",
        "prune.by=psnr",
        "constraints=[{measure: parameters, at_most: 1.0e6}]",
        "pick={kind: bound, metric: milliseconds, at_most: 5, then: psnr}",
    )
    assert sweep.costs == ("parameters", "milliseconds")
    assert sweep.judge is not None
    assert sweep.judge.label == "psnr"


def test_rungs_end_with_the_last_step() -> None:
    assert ASHA(kind="asha", first=100, reduction=3).rungs(900) == (100, 300, 900)
    assert ASHA(kind="asha", first=100, reduction=3).rungs(1000) == (100, 300, 900, 1000)
    assert Median(kind="median", first=100, every=50).rungs(220) == (100, 150, 200, 220)
    assert NoPruning(kind="none").rungs(7) == (7,)
