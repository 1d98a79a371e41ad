"""A run's name is its identity."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.run import RunSpec, new_run_name
from rayfill.training.run_directory import claim, read_run, run_lock

Small = Callable[..., RunSpec]


def test_a_run_is_claimed_once_and_taken_up_again_by_the_same_spec(small_run: Small) -> None:
    first = claim(small_run(run="claimed"))
    again = claim(small_run(run="claimed").model_copy(update={"created": "2027-01-01T00:00:00+00:00", "code_version": "later"}))
    assert again == first == read_run(first.root, "claimed")


def test_another_recipe_under_the_same_name_is_refused_with_the_key_that_differs(small_run: Small) -> None:
    claim(small_run(run="taken"))
    with pytest.raises(InputError, match=r"--name taken: .* differs in recipe.training.seed \(0 there, 1 here\)"):
        claim(small_run("training.seed=1", run="taken"))
    with pytest.raises(
        InputError, match=r"recipe.phases.0.steps \(8 there, 9 here\), recipe.training.seed \(0 there, 1 here\)"
    ):
        claim(small_run("training.seed=1", "phases.0.steps=9", run="taken"))
    with pytest.raises(InputError, match=r"differs in workers \(1 there, 2 here\)"):
        claim(small_run(run="taken", workers=2))


def test_an_unknown_run_is_refused(small_run: Small) -> None:
    with pytest.raises(InputError, match="run 'nobody': there is none under file://"):
        read_run(small_run().root, "nobody")


def test_new_names_differ(small_run: Small) -> None:
    assert new_run_name(small_run().recipe) != new_run_name(small_run().recipe)


def test_a_run_is_trained_by_one_process_at_a_time(small_run: Small) -> None:
    run = claim(small_run(run="locked"))
    with (
        run_lock(run),
        pytest.raises(InputError, match="--name locked: that run is being trained right now"),
        run_lock(run),
    ):
        pass
    with run_lock(run):
        pass


def test_a_run_directory_that_holds_something_else_is_refused(small_run: Small) -> None:
    run = claim(small_run(run="foreign"))
    (Path(run.root.removeprefix("file://")) / "runs" / "foreign" / "run.json").write_text("{}")
    with pytest.raises(InputError, match="not a run of this version of rayfill"):
        read_run(run.root, "foreign")
