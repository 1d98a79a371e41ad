"""Which validations are the best, and when a run no longer gets better."""

from typing import Literal

from rayfill.spec.training_policies import Validation
from rayfill.training.policies.early_stopping import ValidationHistory


def history(metric: Literal["psnr", "l1"] = "psnr", keep_best: int = 2, patience: int | None = 2) -> ValidationHistory:
    return ValidationHistory(
        Validation(every=10, images=4, metric=metric, keep_best=keep_best, publish="best", patience=patience)
    )


def test_the_best_are_kept_and_the_earlier_of_equal_ones_is_better() -> None:
    seen = history()
    assert [seen.record(step, value) for step, value in [(10, 20.0), (20, 22.0), (30, 21.0), (40, 22.0), (50, 19.0)]] == [
        True, True, True, True, False
    ]  # fmt: skip
    assert seen.best == [(20, 22.0), (40, 22.0)]


def test_of_errors_the_lowest_is_the_best() -> None:
    seen = history(metric="l1", keep_best=1)
    for step, value in [(10, 0.2), (20, 0.1), (30, 0.3)]:
        seen.record(step, value)
    assert seen.best_steps == [20]


def test_it_stops_after_as_many_validations_without_a_new_best_as_the_recipe_says() -> None:
    seen = history(patience=2)
    seen.record(10, 20.0)
    seen.record(20, 19.0)
    assert not seen.stops
    seen.record(30, 20.0)
    assert seen.stops
    forever = history(patience=None)
    for step in range(10, 500, 10):
        forever.record(step, 1.0)
    assert not forever.stops


def test_a_new_best_starts_the_count_again_and_a_checkpoint_keeps_it() -> None:
    seen = history(patience=2)
    for step, value in [(10, 20.0), (20, 19.0), (30, 21.0), (40, 20.0)]:
        seen.record(step, value)
    again = history(patience=2)
    again.load_state(seen.state())
    assert (again.best, again.stops) == (seen.best, False)
    again.record(50, 20.5)
    assert again.stops


def test_a_validation_that_is_repeated_after_a_resume_counts_once() -> None:
    seen = history()
    seen.record(10, 20.0)
    seen.record(10, 20.0)
    assert seen.best == [(10, 20.0)]
