"""Phases of different batch sizes: the order stays a pure function, and stages of equal batches are one walk."""

from collections import Counter

import pytest

from rayfill.data.sampler import SamplePosition, ShardSampler, slots_of
from rayfill.data.staged_sampler import Stage, StagedSampler
from rayfill.spec.errors import InputError

SIZES = [7, 13, 20]


def sampler(*stages: Stage, rank: int = 0, world: int = 1) -> StagedSampler:
    return StagedSampler(SIZES, 3, stages, rank, world)


def test_stages_of_one_batch_size_are_one_walk() -> None:
    staged = sampler(Stage(0, 64, 4), Stage(5, 128, 4), Stage(17, 256, 4))
    plain = ShardSampler(SIZES, 3, 4, cached_permutations=4)
    for step in range(60):
        assert staged.batch(step) == plain.batch(step, slots_of(0, 1, 4))
        assert staged.epoch_of(step) == plain.epoch_of(step)
    assert [staged.stage(step).size for step in (0, 4, 5, 16, 17, 900)] == [64, 64, 128, 128, 256, 256]


def test_a_stage_of_another_batch_size_begins_a_new_epoch() -> None:
    staged = sampler(Stage(0, 64, 8), Stage(12, 128, 4), Stage(40, 256, 2))
    taken: Counter[SamplePosition] = Counter()
    for step in range(100):
        batch = staged.batch(step)
        assert len(batch) == (8 if step < 12 else 4 if step < 40 else 2)
        assert {p.epoch for p in batch} == {staged.epoch_of(step)}
        taken.update(batch)
    assert max(taken.values()) == 1, "a sample comes twice in an epoch"
    assert staged.epoch_of(11) + 1 == staged.epoch_of(12)
    assert staged.epoch_of(39) + 1 == staged.epoch_of(40)
    assert staged.most_slots == 8


def test_any_step_is_reached_at_once_and_by_any_number_of_ranks() -> None:
    stages = (Stage(0, 64, 8), Stage(12, 128, 4))
    for step in (3, 11, 12, 30):
        whole = sampler(*stages).batch(step)
        shares = [sampler(*stages, rank=rank, world=4).batch(step) for rank in range(4)]
        assert [position for share in shares for position in share] == whole
    assert sampler(*stages).prefetched(12, 100)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(InputError, match="6 is not a multiple of the 4 workers"):
        sampler(Stage(0, 64, 8), Stage(12, 128, 6), world=4)
