"""Learning rates as functions of the step."""

import itertools

import pytest

from rayfill.spec.recipe import Constant, Cosine, Phase, Player
from rayfill.training.optimization.schedule import learning_rate, rate_factor


def test_constant_is_one() -> None:
    assert [rate_factor(Constant(kind="constant"), step, 10) for step in (0, 5, 9)] == [1.0] * 3


def test_cosine_warms_up_and_ends_at_its_final_factor() -> None:
    schedule = Cosine(kind="cosine", warmup=4, final=0.1)
    factors = [rate_factor(schedule, step, 104) for step in range(105)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4] == pytest.approx(1.0)
    assert factors[54] == pytest.approx(0.55)
    assert factors[104] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(factors[4:]))


def test_a_phase_has_its_own_rates_and_its_own_schedule() -> None:
    player = Player.model_validate(
        {
            "optimizer": "adam", "lr": 0.5, "betas": [0.0, 0.9], "weight_decay": 0.0, "clip": None, "ema": None,
            "schedule": {"kind": "cosine", "warmup": 0, "final": 0.0}, "terms": {"l1": 1.0},
        }
    )  # fmt: skip
    phase = Phase(name="first", steps=10, rounds=(("generator",),))
    assert learning_rate(player, phase, "generator", 5) == pytest.approx(0.25)
    tuned = phase.model_copy(update={"lr": {"generator": 0.1}})
    assert learning_rate(player, tuned, "generator", 0) == pytest.approx(0.1)
