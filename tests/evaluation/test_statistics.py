"""Intervals cover what they promise, photographs are clusters, and looking often is paid for."""

import numpy as np
import pytest

from rayfill.evaluation.comparison.paired import by_bucket, gains
from rayfill.evaluation.statistics.bootstrap import Clustered, cluster, intervals
from rayfill.evaluation.statistics.sign_flip import holm, sign_flip_p

TRIALS = 600
RNG = np.random.default_rng(0)


def coverage(values: np.ndarray, truth: float) -> float:
    """Share of trials (trials, photographs) whose 95 % interval holds the truth."""
    low, high = intervals(cluster(values[:, None, :]), (0.025, 0.025))
    return float(np.mean((low <= truth) & (truth <= high)))


@pytest.mark.parametrize("photographs", [12, 21, 60])
def test_the_95_percent_interval_holds_the_truth_in_95_of_100_simulations(photographs: int) -> None:
    assert coverage(RNG.normal(0.3, 1, (TRIALS, photographs)), 0.3) == pytest.approx(0.95, abs=0.03)
    skewed = RNG.lognormal(0, 0.75, (TRIALS, photographs))
    assert coverage(skewed, float(np.exp(0.75**2 / 2))) > 0.87


def test_six_pairs_of_a_photograph_count_as_one_witness_not_as_six() -> None:
    own = RNG.normal(0, 1, (TRIALS, 1, 21))
    pairs = own + RNG.normal(0, 0.2, (TRIALS, 6, 21))  # the six masks of a photograph go up and down together
    low, high = intervals(cluster(pairs), (0.025, 0.025))
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.03)
    low, high = intervals(cluster(pairs.reshape(TRIALS, 1, -1)), (0.025, 0.025))  # each pair drawn by itself
    assert np.mean((low <= 0) & (high >= 0)) < 0.75


def test_a_quantity_without_values_has_no_interval_and_one_photograph_has_none() -> None:
    values = np.full((2, 1, 8), np.nan)
    values[1, 0, 3] = 5.0
    data = cluster(values)
    assert np.isnan(data.means[0])
    assert data.means[1] == 5.0
    assert np.isnan(intervals(data, (0.025, 0.025))).all()


def test_undefined_pairs_do_not_weigh_on_the_mean() -> None:
    values = np.array([[[1.0, np.nan, 3.0], [2.0, 4.0, np.nan]]])
    assert cluster(values).means == pytest.approx([2.5])


def test_the_same_numbers_give_the_same_interval() -> None:
    data = cluster(RNG.normal(0, 1, (3, 6, 30)))
    first, second = intervals(data, (0.025, 0.025)), intervals(data, (0.025, 0.025))
    np.testing.assert_array_equal(first, second)


def test_sign_flips_call_one_in_twenty_differences_of_nothing_significant() -> None:
    p = sign_flip_p(cluster(RNG.standard_t(3, (TRIALS, 1, 21))))
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.03)
    assert sign_flip_p(cluster(RNG.normal(1, 0.5, (1, 1, 21))))[0] < 0.001


def test_four_photographs_can_never_be_significant() -> None:
    assert sign_flip_p(Clustered(np.ones((1, 4)), np.ones((1, 4))))[0] > 0.05


def test_holm_is_that_of_his_paper() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_with_seven_looks_at_nothing_few_tables_claim_anything() -> None:
    claimed = 0
    for _ in range(100):
        difference = RNG.normal(0, 1, (6, 21))
        rows = gains(np.zeros((6, 21)), difference, "higher", by_bucket(tuple("abcdef"), 21))
        claimed += any(row.verdict in ("better", "worse") for row in rows)
    assert claimed / 100 < 0.1


def test_a_gain_is_positive_where_less_is_better_and_less_came_out() -> None:
    first, second = RNG.uniform(0.2, 0.3, (6, 21)), RNG.uniform(0.1, 0.2, (6, 21))
    rows = gains(first, second, "lower", by_bucket(tuple("abcdef"), 21))
    assert [row.where for row in rows] == [*"abcdef", "all"]
    assert all(row.gain > 0 and row.low > 0 and row.verdict == "better" and row.wins == 1 for row in rows)
    total = rows[-1]
    assert total.gain == pytest.approx(float((first - second).mean()))
    assert total.effect > 2
