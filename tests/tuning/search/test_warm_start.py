"""A new sweep begins where an earlier one found what is good, in a space cut down to there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rayfill.spec.errors import InputError
from rayfill.spec.sweep_file import SweepFile, read_sweep
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.search.warm_start import BEST, warm_start
from rayfill.tuning.study.study import open_study, spec_of
from tests.tuning.pretend import BASE, KIND, RATE, SWEEP, WIDTH, Pretended, begin, go_on


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Pretended:
    made = begin(tmp_path_factory.mktemp("earlier"), budget={"trials": 60})
    go_on(made, 60, prune=False)
    return made


def another(folder: Path, **changes: Any) -> SweepFile:
    path = folder / "another.yaml"
    path.write_text(yaml.safe_dump({**SWEEP, "name": "another", **changes}))
    return read_sweep(path)


def test_the_best_points_come_first_in_a_smaller_space(tmp_path: Path, earlier: Pretended) -> None:
    file = another(tmp_path)
    warm = warm_start(earlier.study, file)
    assert warm.sweep == "bases"
    assert len(warm.trials) == BEST
    assert warm.trials[0] == earlier.study.best_trial.params
    rate, old = warm.space[RATE], file.sweep.space[RATE]
    assert old.low < rate.low <= 1e-4 < 1e-3 < rate.high <= old.high  # type: ignore[union-attr]
    assert warm.space[KIND] == file.sweep.space[KIND]
    space = Space(file.sweep.model_copy(update={"space": warm.space}), file.bases)
    assert space.own("gdn") == Space(file.sweep, file.bases).own("gdn")


def test_the_new_sweep_tries_the_recipe_then_those_points(tmp_path: Path, earlier: Pretended) -> None:
    file = another(tmp_path)
    warm = warm_start(earlier.study, file)
    new = begin(tmp_path, name="another")
    spec = new.spec.model_copy(update={"name": "warm", "warm": warm})
    study = open_study(spec)
    assert spec_of(study).warm == warm
    proposals = Proposals(study, Space(spec.searched, spec.bases), spec, measure=lambda *_: {}, gpus=0)
    made = [proposals.ask() for _ in range(BEST + 1)]
    assert [trial.params for trial in study.trials[1:]] == list(warm.trials)
    assert made[0] is not None
    assert made[0].recipe == spec.bases["gdn"]


def test_what_the_new_space_does_not_have_is_left_out(tmp_path: Path, earlier: Pretended) -> None:
    space = {
        RATE: {"kind": "float", "low": 5e-5, "high": 2e-4, "log": True},
        WIDTH: SWEEP["space"][WIDTH],
        "training.batch_size": {"kind": "int", "low": 2, "high": 8},
    }
    warm = warm_start(earlier.study, another(tmp_path, space=space))
    assert all(set(point) <= {RATE, WIDTH} for point in warm.trials)
    assert all(5e-5 <= float(point.get(RATE, 1e-4)) <= 2e-4 for point in warm.trials)  # type: ignore[arg-type]
    assert set(warm.space) == set(space)
    assert BASE not in warm.space


def test_few_trials_cut_nothing(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 5, prune=False)
    file = another(tmp_path)
    assert warm_start(made.study, file).space == file.sweep.space


def test_a_sweep_after_something_else_teaches_nothing(tmp_path: Path, earlier: Pretended) -> None:
    with pytest.raises(InputError, match="--from bases: that sweep was after maximal psnr, this one is after maximal ssim"):
        warm_start(earlier.study, another(tmp_path, objectives=[{"metric": "ssim", "direction": "maximize"}]))
    made = begin(tmp_path, name="empty")
    with pytest.raises(InputError, match="--from empty: none of its trials is complete"):
        warm_start(made.study, another(tmp_path))
