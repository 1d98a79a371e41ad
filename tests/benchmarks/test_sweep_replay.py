"""Sweeps replayed over curves: the platform's proposals and pruning in virtual time, and what is made of them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.sweep.collect import CURVES, SWEEP
from benchmarks.sweep.contest import full_training, opened, replay
from benchmarks.sweep.contestants import CONTESTANTS, RANDOM, Contestant
from benchmarks.sweep.curves import Table, read_table
from benchmarks.sweep.picture import draw
from benchmarks.sweep.replay import WORKERS, Found, Replayed
from benchmarks.sweep.summary import summarise
from benchmarks.sweep.surrogate import Surrogate
from benchmarks.sweep.table import Setting, as_markdown
from rayfill.spec.sweep_file import read_sweep

SPACE = read_sweep(SWEEP).sweep.space


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table(CURVES)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    return opened(CURVES)[1]


def test_at_a_measured_configuration_the_surrogate_gives_its_own_curve(table: Table, surrogate: Surrogate) -> None:
    for curve in table.design[:5]:
        assert surrogate.curve(curve.params) == pytest.approx(curve.metric, abs=1e-6)


def test_between_configurations_it_is_better_than_a_constant(surrogate: Surrogate) -> None:
    fit = surrogate.cross_validate()
    assert fit.rmse < 0.6 * fit.spread
    assert fit.rank > 0.6


def test_what_a_seed_changes_is_taken_from_repeats(table: Table) -> None:
    one = table.design[0]
    other = one.model_copy(update={"seed": 1, "metric": tuple(value + 0.2 for value in one.metric)})
    few = Table(source=table.source, curves=(*table.design[:20], other))
    # Two values 0.2 apart have a standard deviation of 0.2 / sqrt(2) in the population that they are drawn from.
    assert Surrogate(few, SPACE).noise == pytest.approx(0.2 / np.sqrt(2), abs=1e-3)
    assert Surrogate(table.model_copy(update={"curves": table.design}), SPACE).noise == 0


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda c: c.name)
def test_every_contestant_spends_what_it_is_given_and_repeats_itself(
    table: Table, surrogate: Surrogate, contestant: Contestant
) -> None:
    compute = 12 * full_training(table, surrogate)
    first = replay(CURVES, contestant.name, compute, 3)
    assert first == replay(CURVES, contestant.name, compute, 3)
    assert 1 <= first.finished <= first.begun - WORKERS
    assert all(0 < found.compute <= compute for found in first.found)
    assert [found.compute for found in first.found] == sorted(found.compute for found in first.found)


def test_pruning_begins_more_trials_with_the_same_compute(table: Table, surrogate: Surrogate) -> None:
    compute = 12 * full_training(table, surrogate)
    full, pruned = (replay(CURVES, name, compute, 0) for name in (RANDOM.name, "random + ASHA"))
    assert pruned.begun > 1.5 * full.begun
    assert pruned.finished < full.finished


def test_a_summary_is_the_best_by_then_over_seeds() -> None:
    one = Replayed((Found(10, 1.0), Found(50, 3.0)), begun=5, finished=4)
    other = Replayed((Found(20, 2.0),), begun=7, finished=2)
    summary = summarise([one, other], compute=100)
    assert summary.begun == 6
    assert np.isnan(summary.at(0.15)[0])
    assert summary.at(0.3) == (1.5, pytest.approx(np.sqrt(0.5)))
    assert summary.at(1)[0] == 2.5
    assert summary.reaches(2.5) == 0.5
    assert summary.reaches(2.6) is None


def test_the_table_and_the_picture_show_every_contestant(tmp_path: Path, table: Table, surrogate: Surrogate) -> None:
    summaries = {
        "random": summarise([Replayed((Found(10, 1.0), Found(90, 2.0)), 5, 4)] * 2, 100),
        "better": summarise([Replayed((Found(10, 1.5), Found(30, 2.5)), 9, 3)] * 2, 100),
    }
    setting = Setting(200, 20, 0.1, surrogate.cross_validate(), {10: 0.5}, {10: 0.1}, 2, 40, WORKERS)
    text = as_markdown(summaries, setting)
    assert "| random | 5 / 4 | 1.000 ± 0.000 | 2.000 ± 0.000 | 90% | 90% |" in text
    assert "| better | 9 / 3 | 2.500 ± 0.000 | 2.500 ± 0.000 | 30% | 30% |" in text
    draw(summaries, 0.1, 40, tmp_path / "images" / "picture.png")
    assert (tmp_path / "images" / "picture.png").read_bytes().startswith(b"\x89PNG")
