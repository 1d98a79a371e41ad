"""Divergence: a loss above a multiple of its median for long enough, and nothing else."""

import math

import pytest

from rayfill.spec.training_policies import Divergence
from rayfill.training.policies.divergence import DivergenceWatch

SETTINGS = Divergence(factor=3, steps=20, window=4, rollbacks=2, lr=0.5)
WEIGHTS = {"generator": {"hole_l1": 1.0, "adversarial": 0.5, "logged": 0.0}, "critic": {"critic": 1.0}}


def row(hole_l1: float, adversarial: float = 0.0) -> dict[str, float]:
    return {"generator/hole_l1": hole_l1, "generator/adversarial": adversarial, "generator/logged": 1e9}


def fed(*losses: float, phase: str = "fidelity") -> DivergenceWatch:
    """A watch after rows of ten steps each, none of which diverged."""
    watch = DivergenceWatch(SETTINGS, WEIGHTS)
    for number, loss in enumerate(losses, start=1):
        assert watch.observe(10 * number, phase, row(loss)) is None
    return watch


def test_a_loss_that_stays_above_the_limit_has_diverged_and_is_named() -> None:
    watch = fed(1, 1, 1, 1, 4, 4)
    assert watch.suspicious
    sentence = watch.observe(70, "fidelity", row(4))
    assert sentence == "the loss of 'generator' is 4, its median 1, since step 50"


def test_a_spike_is_forgotten_once_the_loss_is_below_the_limit_again() -> None:
    watch = fed(1, 1, 1, 1, 4, 2, 4, 4)
    assert watch.suspicious
    assert fed(1, 1, 1, 1, 4, 2).suspicious is False
    assert watch.observe(90, "fidelity", row(4)) is not None


def test_rows_above_the_limit_do_not_raise_the_median() -> None:
    watch = fed(1, 1, 1, 1, 5, 5)
    assert watch.observe(70, "fidelity", row(5)) is not None
    assert watch.state()["rows"]["generator"] == [1, 1, 1, 1]


def test_the_weighted_sum_counts_and_a_term_that_is_only_logged_does_not() -> None:
    watch = fed(1, 1, 1, 1)
    assert watch.observe(50, "fidelity", row(1, adversarial=6)) is None
    assert watch.suspicious


def test_nothing_is_suspicious_before_the_window_is_full_or_right_after_a_phase_began() -> None:
    assert not fed(1, 1, 1, 100).suspicious
    watch = fed(1, 1, 1, 1)
    assert watch.observe(50, "adversarial", row(100)) is None
    assert not watch.suspicious


def test_a_loss_that_is_no_number_has_diverged_at_once() -> None:
    assert fed(1).observe(20, "fidelity", row(math.nan)) is not None


def test_without_settings_nothing_is_watched() -> None:
    watch = DivergenceWatch(None, WEIGHTS)
    assert all(watch.observe(step, "fidelity", row(10.0**step)) is None for step in range(30))
    assert watch.rate_factor == 1


def test_rates_fall_with_every_rollback_and_all_of_it_outlives_a_checkpoint() -> None:
    watch = fed(1, 1, 1, 1, 4, 4)
    watch.rollbacks = 2
    again = DivergenceWatch(SETTINGS, WEIGHTS)
    again.load_state(watch.state())
    assert again.rate_factor == pytest.approx(0.25)
    assert again.observe(70, "fidelity", row(4)) == watch.observe(70, "fidelity", row(4)) is not None
