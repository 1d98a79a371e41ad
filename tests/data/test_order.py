"""The order of samples: what it promises for any sizes, batch and number of ranks."""

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayfill.data.order import Order, Place, permutation, slots_of
from rayfill.spec.errors import InputError

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=8)
seeds = st.integers(0, 2**31 - 1)


def ranks(order: Order, step: int, world: int, batch: int) -> list[list[Place]]:
    return [order.batch(step, slots_of(rank, world, batch)) for rank in range(world)]


@given(sizes, seeds, st.integers(1, 9), st.integers(0, 3))
def test_an_epoch_takes_each_sample_at_most_once_and_leaves_out_less_than_a_batch(
    sizes: list[int], seed: int, batch: int, epoch: int
) -> None:
    order = Order(sizes, seed, batch)
    begin = epoch * order.steps_per_epoch
    taken = [p for step in range(begin, begin + order.steps_per_epoch) for p in order.batch(step, range(batch))]
    assert all(p.epoch == epoch and 0 <= p.number < sizes[p.shard] for p in taken)
    if sum(sizes) >= batch:
        assert max(Counter(taken).values()) == 1
        assert sum(sizes) - len(taken) == sum(sizes) % batch


@given(sizes, seeds, st.integers(1, 4), st.sampled_from([1, 2, 3, 4, 6]), st.integers(0, 60))
def test_the_global_batch_is_the_same_for_any_number_of_ranks(
    sizes: list[int], seed: int, factor: int, world: int, step: int
) -> None:
    batch = 12 * factor
    order = Order(sizes, seed, batch)
    shares = ranks(order, step, world, batch)
    assert {len(share) for share in shares} == {batch // world}
    assert [p for share in shares for p in share] == order.batch(step, range(batch))


@given(sizes, seeds, st.integers(1, 9), st.integers(0, 40))
def test_any_step_is_reached_at_once_as_by_walking_there(sizes: list[int], seed: int, batch: int, step: int) -> None:
    walked = Order(sizes, seed, batch)
    for before in range(step):
        walked.batch(before, range(batch))
    assert walked.batch(step, range(batch)) == Order(sizes, seed, batch).batch(step, range(batch))


@given(sizes, seeds, st.integers(1, 9))
def test_fewer_samples_than_a_batch_are_repeated_until_it_is_full(sizes: list[int], seed: int, more: int) -> None:
    batch = sum(sizes) + more
    order = Order(sizes, seed, batch)
    assert order.steps_per_epoch == 1
    counts = Counter(order.batch(0, range(batch))).values()
    assert len(counts) == sum(sizes)
    assert max(counts) - min(counts) <= 1


def test_epochs_and_seeds_differ() -> None:
    order, other = Order([50, 50], 0, 10), Order([50, 50], 1, 10)
    first, second = order.batch(0, range(10)), order.batch(10, range(10))
    assert order.epoch_of(9) == 0
    assert order.epoch_of(10) == 1
    assert [(p.shard, p.number) for p in first] != [(p.shard, p.number) for p in second]
    assert first != other.batch(0, range(10))


def test_another_set_of_samples_sits_out_each_epoch() -> None:
    order = Order([7, 6], 3, 5)
    missing = []
    for epoch in range(6):
        taken = {(p.shard, p.number) for t in range(2) for p in order.batch(2 * epoch + t, range(5))}
        missing.append(frozenset((s, n) for s, size in enumerate([7, 6]) for n in range(size)) - taken)
    assert len(set(missing)) > 1


def test_the_order_is_the_same_for_ever() -> None:
    assert permutation(8, 1, 2, 3, 4).tolist() == [0, 6, 2, 4, 3, 5, 7, 1]


def test_a_batch_that_ranks_cannot_share_equally_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size: 8 is not a multiple of the 3 workers"):
        slots_of(0, 3, 8)


def test_a_rank_finds_its_first_batch_among_100_000_shards_and_1_024_ranks_in_a_second() -> None:
    sizes = np.full(100_000, 10_000)
    begin = time.process_time()
    order = Order(sizes.tolist(), 0, 8192)
    places = order.batch(123_456, slots_of(1000, 1024, 8192))
    assert time.process_time() - begin < 1
    assert len(places) == 8
