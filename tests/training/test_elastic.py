"""A run of 2 to 8 workers: what it is given, how the batch is dealt, and that the samples of a step stay the same."""

import argparse
from collections.abc import Callable

import pytest
import torch

from jobs.arguments import worker_range
from rayfill.cluster.placement import Node
from rayfill.spec.errors import InputError
from rayfill.spec.run import RunSpec
from rayfill.systems.base import Round
from rayfill.training.capacity import present_workers
from rayfill.training.check_run import check_run
from rayfill.training.context import WorkerContext
from rayfill.training.optimization.step import round_gradients
from rayfill.training.state import TrainState
from rayfill.training.worker import open_loader

Small = Callable[..., RunSpec]
CPU = torch.device("cpu")


def test_a_range_of_workers_is_written_with_two_dots() -> None:
    assert worker_range("4") == (None, 4)
    assert worker_range("2..8") == (2, 8)
    with pytest.raises(argparse.ArgumentTypeError, match=r"write 2\.\.8"):
        worker_range("8..2")
    with pytest.raises(argparse.ArgumentTypeError, match="'x' is not a whole number"):
        worker_range("2..x")


def test_it_begins_with_as_many_as_fit_now() -> None:
    nodes = [Node(cpus=8, gpus=0), Node(cpus=4, gpus=0)]
    assert present_workers(nodes, 2, 8) == 8
    assert present_workers(nodes, 2, 16) == 12
    assert present_workers([Node(cpus=16, gpus=3)], 2, 8) == 3
    with pytest.raises(InputError, match="--workers 4: the cluster has 3 GPUs"):
        present_workers([Node(cpus=16, gpus=3)], 4, 8)


def test_a_batch_that_most_workers_cannot_share_equally_is_fine_but_not_one_too_small_for_them(small_run: Small) -> None:
    recipe = small_run("training.batch_size=8").recipe
    check_run(recipe, 20, 8, 4, min_workers=2)
    check_run(recipe, 20, 5, 4, min_workers=2)
    with pytest.raises(InputError, match=r"--workers 2\.\.9: training.batch_size 8 .* has work for at most 8 workers"):
        check_run(recipe, 20, 9, 4, min_workers=2)
    with pytest.raises(InputError, match="cannot be shared by 5 workers"):
        check_run(recipe, 20, 5, 4)


def test_the_samples_of_every_step_are_the_same_for_any_number_of_workers(small_run: Small) -> None:
    run = small_run("training.batch_size=8")

    def seen(world: int) -> list[str]:
        ids: list[str] = []
        for rank in range(world):
            with open_loader(run, WorkerContext(rank, world, CPU, 1)) as loader:
                loader.load_state_dict({"step": 3})
                ids += next(iter(loader)).ids
        return ids

    assert seen(1) == seen(3) == seen(5) == seen(8)


def test_unequal_shares_weigh_by_their_samples(small_run: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run("training.batch_size=8", "phases.0.rounds=[[generator]]")
    recipe = run.recipe
    turn = Round(recipe.phases[0].name, ("generator",))

    def gradients(rank: int, world: int) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        monkeypatch.setattr("rayfill.training.optimization.step.world_size", lambda: world)
        state = TrainState(recipe, CPU)
        with open_loader(run, WorkerContext(rank, world, CPU, 1)) as loader:
            batch = next(iter(loader)).to(CPU, channels_last=False)
        found, measured = round_gradients(state.system, state.players, turn, batch, recipe.training)
        return found["generator"], measured

    whole, row = gradients(0, 1)
    parts = [gradients(rank, 3) for rank in range(3)]
    for i, gradient in enumerate(whole):
        mean = torch.stack([part[0][i] for part in parts]).mean(dim=0)
        torch.testing.assert_close(mean, gradient, rtol=1e-3, atol=1e-5)
    for name, value in row.items():
        torch.testing.assert_close(torch.stack([part[1][name] for part in parts]).mean(), value, rtol=1e-4, atol=1e-6)
