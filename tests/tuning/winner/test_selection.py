"""The pick rules, on fronts whose answer can be seen."""

import numpy as np
import pytest

from rayfill.spec.errors import Failed
from rayfill.spec.sweep import Bound
from rayfill.tuning.study.trial_record import read_records
from rayfill.tuning.winner.selection import knee, pareto_front, pick
from tests.tuning.pretend import TWO_OBJECTIVES, Pretended, begin, go_on


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Pretended:
    """Two objectives, twelve complete trials."""
    made = begin(tmp_path_factory.mktemp("two"), **TWO_OBJECTIVES)
    go_on(made, 12, prune=False)
    return made


def test_the_knee_is_where_the_front_bends() -> None:
    assert knee(np.array([[0.0, 10.0], [1.0, 3.0], [2.0, 2.5], [8.0, 0.0]])) == 1


def test_units_do_not_move_the_knee() -> None:
    front = np.array([[0.0, 10.0], [1.0, 3.0], [2.0, 2.5], [8.0, 0.0]])
    assert knee(front * [1e6, 1e-3] + [5.0, -7.0]) == 1


def test_a_front_that_bends_outwards_gives_an_end_of_it() -> None:
    assert knee(np.array([[0.0, 1.0], [0.6, 0.9], [0.9, 0.6], [1.0, 0.0]])) in (0, 3)


def test_three_objectives_have_a_plane() -> None:
    ends = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    assert knee(np.array([*ends, [0.5, 0.5, 0.6], [0.2, 0.3, 0.2]])) == 4


@pytest.mark.parametrize(
    "front",
    [
        [[3.0, 4.0]],  # one point
        [[3.0, 4.0], [3.0, 4.0]],  # twice the same
        [[0.0, 1.0, 5.0], [0.2, 0.2, 5.0], [1.0, 0.0, 5.0]],  # an objective that never differs
        [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]],  # one point is best in two objectives: no plane
    ],
)
def test_a_front_without_a_plane_has_a_knee_all_the_same(front: list[list[float]]) -> None:
    assert knee(np.array(front)) == (1 if len(front) == 3 else 0)


def test_the_knee_of_a_study_lies_on_its_front(two: Pretended) -> None:
    records = read_records(two.study)
    front = pareto_front(two.study, records)
    picked = pick(two.study, records, two.spec.sweep)
    assert picked.record in front
    assert picked.why == f"the knee of a Pareto front of {len(front)} out of 12 complete trials"
    for one in front:
        better = [r for r in records if r.results[0] >= one.results[0] and r.results[1] <= one.results[1] and r != one]  # type: ignore[index]
        assert all(r.results == one.results for r in better)


def test_a_bound_takes_the_best_within_it(two: Pretended) -> None:
    sweep = two.spec.sweep.model_copy(update={"pick": Bound(kind="bound", metric="parameters", at_most=6400, then="psnr")})
    records = read_records(two.study)
    within = [r.results[0] for r in records if r.results and r.results[1] <= 6400]
    picked = pick(two.study, records, sweep)
    assert picked.record.results is not None
    assert picked.record.results[0] == max(within)
    assert picked.record.results[1] <= 6400


def test_a_bound_that_nobody_keeps_says_how_near_the_nearest_comes(two: Pretended) -> None:
    sweep = two.spec.sweep.model_copy(update={"pick": Bound(kind="bound", metric="parameters", at_most=100, then="psnr")})
    with pytest.raises(Failed, match=r"no trial has parameters of at most 100; the lowest is 1600, of trial 0$"):
        pick(two.study, read_records(two.study), sweep)


def test_the_best_is_the_best_in_the_objectives_own_direction(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = begin(tmp_path_factory.mktemp("one"))
    go_on(made, 6)
    records = read_records(made.study)
    picked = pick(made.study, records, made.spec.sweep)
    assert picked.record.number == made.study.best_trial.number
    turned = made.spec.sweep.objectives[0].model_copy(update={"direction": "minimize"})
    lowest = pick(made.study, records, made.spec.sweep.model_copy(update={"objectives": (turned,)}))
    assert lowest.record.results == (min(r.results[0] for r in records if r.results),)


def test_without_a_complete_trial_nobody_wins(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = begin(tmp_path_factory.mktemp("none"))
    with pytest.raises(Failed, match="sweep bases: no trial is complete, so none can win"):
        pick(made.study, read_records(made.study), made.spec.sweep)
