"""The parts of the report, each on numbers whose answer is known."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import optuna
import pytest

from rayfill.spec.sweep import Objective
from rayfill.tuning.report.cost_plot import best_over_cost
from rayfill.tuning.report.facts import outcome, reasons, spent
from rayfill.tuning.report.optuna_plots import Studied, contours, importances, slices
from rayfill.tuning.report.page import embedded
from rayfill.tuning.report.rank_correlation import rank_correlations
from rayfill.tuning.report.readable import of_one_objective, readable
from rayfill.tuning.report.recipe_diff import Changed, recipe_diff
from rayfill.tuning.study.trial_record import read_records
from tests.tuning.pretend import TWO_OBJECTIVES, WIDTH, Pretended, begin, go_on, record

PSNR = Objective(metric="psnr", direction="maximize")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Pretended:
    found = begin(tmp_path_factory.mktemp("sweep"))
    go_on(found, 24)
    return found


def test_cost_counts_failed_and_pruned_trials_in_the_order_of_their_ends() -> None:
    trials = [
        record(0, "complete", 20.0, seconds=60.0, ended=NOON),
        record(1, "complete", 22.0, seconds=60.0, ended=NOON + timedelta(seconds=30)),
        record(2, "failed", seconds=120.0, ended=NOON + timedelta(seconds=10)),
        record(3, "complete", 21.0, seconds=60.0, ended=NOON + timedelta(seconds=50)),
        record(4, "running", seconds=600.0),
    ]
    drawn = json.loads(str(best_over_cost(trials, PSNR, 0).figure))["data"]
    assert drawn[0]["x"] == [1.0, 4.0, 5.0, 5.0]
    assert drawn[0]["y"] == [20.0, 22.0, 22.0, 22.0]
    lowest = json.loads(str(best_over_cost(trials, PSNR.model_copy(update={"direction": "minimize"}), 0).figure))
    assert lowest["data"][0]["y"] == [20.0, 20.0, 20.0, 20.0]


def test_rank_correlation_is_spearmans_over_the_trials_that_reached_both() -> None:
    ends = [20.0, 21.0, 22.0, 23.0, 24.0]
    trials = [record(i, "complete", end, curve={100: -end, 300: end, 900: end}) for i, end in enumerate(ends)]
    trials += [record(9, "pruned", curve={100: 99.0}), record(10, "complete", 1.0, curve={900: 1.0})]
    first, second = rank_correlations(trials, "psnr")
    assert (first.step, first.n, first.rho) == (100, 5, pytest.approx(-1.0))
    assert (second.step, second.n, second.rho) == (300, 5, pytest.approx(1.0))


def test_a_rank_correlation_of_few_trials_is_not_given() -> None:
    trials = [record(i, "complete", 20.0 + i, curve={100: 1.0 + i, 900: 20.0 + i}) for i in range(4)]
    (one,) = rank_correlations(trials, "psnr")
    assert (one.n, one.rho, one.missing) == (4, None, "too few trials to say (at least 5)")
    same = [record(i, "complete", 20.0, curve={100: 1.0, 900: 20.0}) for i in range(6)]
    assert rank_correlations(same, "psnr")[0].missing == "all trials have the same value"


def test_the_diff_names_every_key_that_differs(made: Pretended) -> None:
    base = made.spec.originals["gdn"]
    tree = base.model_dump(mode="json")
    tree["system"]["options"]["weight_map"] = {"kind": "linear"}
    tree["images"]["size"] = 64
    other = type(base).model_validate(tree)
    assert recipe_diff(base, other) == [
        Changed("system.options.weight_map.kind", '"exponential"', '"linear"'),
        Changed("system.options.weight_map.base", "10.0", "—"),
        Changed("images.size", str(base.images.size), "64"),
    ]
    assert recipe_diff(base, base) == []


def test_importances_rank_what_decides(made: Pretended) -> None:
    copy, names = readable(made.study)
    assert names[WIDTH] == "width"
    everywhere, *branches = importances(Studied(copy, "psnr"))
    assert everywhere.figure is not None
    shares = json.loads(everywhere.figure)["data"][0]
    assert set(shares["y"]) == {"width", "lr", "kind"}
    assert "base" in str(branches[0].figure), "the conditional parameter has its share in the branch where it is alive"
    assert all(plot.figure or plot.missing for plot in branches)


def test_trials_keep_their_numbers_in_the_readable_copy(made: Pretended) -> None:
    copy, _ = readable(made.study)
    assert [t.number for t in copy.trials] == [t.number for t in made.study.trials]
    assert [t.values for t in copy.trials] == [t.values for t in made.study.trials]
    assert copy.best_trial.number == made.study.best_trial.number


def test_one_of_several_objectives_keeps_its_direction(tmp_path: Path) -> None:
    two = begin(tmp_path, **TWO_OBJECTIVES)
    go_on(two, 5, prune=False)
    second = of_one_objective(two.study, 1)
    assert second.direction == optuna.study.StudyDirection.MINIMIZE
    assert second.best_value == min(r.results[1] for r in read_records(two.study) if r.results)


def test_many_parameters_are_spread_over_several_figures() -> None:
    study = optuna.create_study()
    space = {f"p{i:02d}": optuna.distributions.FloatDistribution(0, 1) for i in range(12)}
    for n in range(3):
        params = {name: (n + i) / 20 for i, name in enumerate(space)}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=float(n)))
    seen = Studied(study, "psnr")
    assert len(slices(seen)) == 3
    assert len(contours(seen)) == 3


def test_two_parameters_that_are_never_alive_together_have_no_surface() -> None:
    study = optuna.create_study()
    one = optuna.distributions.FloatDistribution(0, 1)
    for n in range(6):
        name = "a" if n % 2 else "b"
        study.add_trial(optuna.create_trial(params={name: n / 6}, distributions={name: one}, value=float(n)))
    (plot,) = contours(Studied(study, "psnr"))
    assert plot.missing == "This needs at least 3 complete trials that have both, and there are 0."


def test_a_space_that_changed_its_range_is_told_not_hidden() -> None:
    study = optuna.create_study()
    for n in range(8):
        space = {"a": optuna.distributions.FloatDistribution(0, 1 + n)}
        study.add_trial(optuna.create_trial(params={"a": n / 8}, distributions=space, value=float(n)))
    (plot,) = importances(Studied(study, "psnr"))
    assert plot.missing is not None
    assert plot.missing.startswith("Optuna cannot draw this: ")


def test_facts_count_what_was_paid(made: Pretended) -> None:
    trials = [
        record(0, "complete", 20.0, seconds=90.0, gpu_seconds=45.0),
        record(1, "failed", reason="out of memory", seconds=30.0),
        record(2, "failed", reason="out of memory"),
        record(3, "infeasible", reason="parameters 2e7 is above 1e7"),
        record(4, "waiting"),
    ]
    assert outcome(trials) == "1 complete, 2 failed, 1 infeasible, 1 waiting"
    assert reasons(trials) == [("out of memory", 2)]
    told = dict(spent(made.spec.sweep, trials, 3600.0))
    assert told == {
        "trials begun": "3 of 24",
        "drivers' time": "1 h 00 min",
        "workers' time": "2 min 00 s, 30 s of it on trials that failed",
        "GPUs' time": "45 s",
    }


def test_embedded_figures_cannot_end_their_element() -> None:
    text = json.dumps({"name": "</script><script>alert(1)</script>&"})
    assert "<" not in embedded(text)
    assert json.loads(str(embedded(text))) == json.loads(text)
