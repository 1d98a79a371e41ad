"""A run that diverges goes back to its last good checkpoint, as often as the recipe says, on every resume alike."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from rayfill.spec.errors import Failed
from rayfill.spec.run import RunSpec
from rayfill.training import loop
from rayfill.training.worker import run_worker
from tests.training.test_worker_run import WORKER, Saved, equal

Small = Callable[..., RunSpec]
POLICY = "training.divergence={factor: 3, steps: 2, window: 3, rollbacks: 2, lr: 0.5}"


@pytest.fixture
def explodes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """`explodes(at, times, factor)`: the loss is so many times too large from a step on, in the first so many tries; gives the
    rates of all steps played."""

    def install(at: int, times: int, factor: float = 100.0) -> list[float]:
        rates: list[float] = []
        play = loop.play_step
        tries = {"played": 0, "last": -1}

        def broken(*args: Any) -> Mapping[str, torch.Tensor]:
            measured, step, rate = play(*args), args[5], args[6]
            rates.append(rate)
            if step + 1 <= tries["last"]:
                tries["played"] += 1
            tries["last"] = step + 1
            if step + 1 >= at and tries["played"] < times:
                return {name: value * factor if "gradient" not in name else value for name, value in measured.items()}
            return measured

        monkeypatch.setattr(loop, "play_step", broken)
        return rates

    return install


def test_it_goes_back_to_the_last_checkpoint_before_the_loss_rose_with_a_lower_rate(
    small_run: Small, explodes: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    rates = explodes(at=5, times=1)
    saved = Saved()
    state = run_worker(small_run(POLICY), WORKER, None, saved, None)
    assert state.step == 8
    assert state.divergence.rollbacks == 1
    assert "step 7: diverged (the loss of 'generator' is" in (said := capsys.readouterr().err)
    assert "back to step 3, rollback 1 of 2, rates times 0.5" in said
    assert rates == [1.0] * 7 + [0.5] * 5, "steps 1 to 7, then 4 to 8"
    assert sorted(saved.folders) == [3, 6, 8], "none at step 6 while the loss was too high"


def test_a_number_that_is_none_is_a_divergence_too(small_run: Small, explodes: Callable[..., list[float]]) -> None:
    explodes(at=5, times=1, factor=float("nan"))
    state = run_worker(small_run(POLICY), WORKER, None, Saved(), None)
    assert (state.step, state.divergence.rollbacks) == (8, 1)


def test_it_gives_up_after_as_many_rollbacks_as_the_recipe_says(small_run: Small, explodes: Callable[..., list[float]]) -> None:
    explodes(at=5, times=99)
    with pytest.raises(
        Failed, match=r"the loss of 'generator' is .*; training.divergence.rollbacks: it went back 2 times already"
    ):
        run_worker(small_run(POLICY), WORKER, None, Saved(), None)


def test_before_the_first_checkpoint_it_goes_back_to_the_beginning(
    small_run: Small, explodes: Callable[..., list[float]]
) -> None:
    rates = explodes(at=4, times=1)
    state = run_worker(small_run(POLICY, "training.checkpoint_every=8"), WORKER, None, Saved(), None)
    assert (state.step, len(rates)) == (8, 6 + 8)


def test_a_run_killed_after_its_rollback_ends_with_the_same_weights(
    small_run: Small, explodes: Callable[..., list[float]]
) -> None:
    explodes(at=5, times=1)
    saved = Saved()
    whole = run_worker(small_run(POLICY), WORKER, None, saved, None)
    explodes(at=99, times=0)
    resumed = run_worker(small_run(POLICY), WORKER, saved.folders[6], Saved(), None)
    assert resumed.divergence.state() == whole.divergence.state()
    assert equal(whole, resumed)
