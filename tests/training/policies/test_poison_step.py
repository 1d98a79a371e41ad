"""A step that fails each time it is tried, told from workers that merely lost each other."""

from collections.abc import Callable

import torch

from rayfill.spec.run import RunSpec
from rayfill.training.context import WorkerContext
from rayfill.training.monitoring.board import Board
from rayfill.training.policies.poison_step import PoisonStep, sample_ids
from rayfill.training.worker import open_loader

Small = Callable[..., RunSpec]


def starts(poison: PoisonStep, world: int = 2) -> bool:
    new = [poison.begins(rank, world) for rank in range(world)]
    return new[0]


def test_the_same_step_twice_is_found_with_the_rank_that_failed() -> None:
    poison = PoisonStep()
    assert starts(poison)
    poison.failed(1, 42, "RuntimeError: bad")
    assert starts(poison)
    assert poison.found(over=False) is None, "once is chance"
    poison.failed(1, 42, "RuntimeError: bad")
    assert poison.found(over=True) == (42, 1, 2, "RuntimeError: bad")
    assert starts(poison)
    assert poison.found(over=False) == (42, 1, 2, "RuntimeError: bad")


def test_two_different_steps_are_no_poison() -> None:
    poison = PoisonStep()
    for step in (42, 57):
        starts(poison)
        poison.failed(0, step, "RuntimeError: bad")
    assert poison.found(over=True) is None


def test_processes_that_died_count_once_their_steps_are_told() -> None:
    poison = PoisonStep()
    starts(poison)
    assert not poison.tells_steps
    for _ in range(2):
        starts(poison)
        assert poison.tells_steps
        for step in range(40, 43):
            poison.begun(step)
    assert poison.found(over=True) == (42, None, 2, "a worker's process died")


def test_workers_that_cannot_reach_each_other_fail_at_the_first_step_and_blame_no_sample() -> None:
    poison = PoisonStep()
    for _ in range(4):
        starts(poison)
        poison.begun(40)
    assert poison.found(over=True) is None


def test_the_samples_of_a_step_are_those_that_the_loader_reads(small_run: Small) -> None:
    run = small_run()
    both = []
    for rank in range(2):
        with open_loader(run, WorkerContext(rank, 2, torch.device("cpu"), 1)) as loader:
            loader.load_state_dict({"step": 4})
            both.append(list(next(iter(loader)).ids))
    assert sample_ids(run, 5, (0, 2)) == both[0]
    assert sample_ids(run, 5, (1, 2)) == both[1]
    assert sample_ids(run, 5, None) == both[0] + both[1]


def test_the_board_stops_the_third_start_with_the_samples_of_the_rank(small_run: Small) -> None:
    run = small_run()
    board = Board(run.model_dump(mode="json"))
    for _ in range(2):
        assert [board.begins(rank, 2).broken for rank in range(2)] == [None, None]
        board.failed(1, 5, "RuntimeError: bad")
    names = ", ".join(sample_ids(run, 5, (1, 2)))
    sentence = f"step 5 failed twice on rank 1 (RuntimeError: bad); its samples are {names}"
    assert board.why() == sentence
    assert board.begins(0, 2).broken == sentence


def test_the_board_passes_the_order_to_leave_on(small_run: Small) -> None:
    board = Board(small_run().model_dump(mode="json"))
    assert not board.begins(0, 1).leave
    board.leave()
    assert board.begins(0, 1).leave
