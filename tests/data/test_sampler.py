"""The order of samples: what it promises for any sizes, batch and number of ranks."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rayfill.data import sampler
from rayfill.data.sampler import SamplePosition, ShardSampler, permutation, slots_of
from rayfill.spec.errors import InputError

few = st.integers(1, 12)
uneven = st.one_of(few, st.sampled_from([1, 1, 150]))
sizes = st.lists(few, min_size=1, max_size=8) | st.lists(uneven, min_size=1, max_size=5)
seeds = st.integers(0, 2**31 - 1)
unhurried = settings(deadline=None)  # a busy machine is no counterexample
worlds = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12])


def order_of(sizes: list[int], seed: int, batch: int, cached_permutations: int = 8) -> ShardSampler:
    return ShardSampler(sizes, seed, batch, cached_permutations=cached_permutations)


def epoch_of(order: ShardSampler, epoch: int, batch: int, world: int = 1) -> list[SamplePosition]:
    """All that the ranks see in an epoch, step after step and rank after rank."""
    steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
    return [place for t in steps for rank in range(world) for place in order.batch(t, slots_of(rank, world, batch))]


@unhurried
@given(sizes, seeds, st.integers(1, 4), worlds, st.integers(0, 3))
def test_an_epoch_takes_each_sample_at_most_once_and_leaves_out_less_than_a_batch(
    sizes: list[int], seed: int, each: int, world: int, epoch: int
) -> None:
    batch = each * world
    taken = epoch_of(order_of(sizes, seed, batch), epoch, batch, world)
    assert all(p.epoch == epoch and 0 <= p.number < sizes[p.shard] for p in taken)
    if sum(sizes) >= batch:
        assert max(Counter(taken).values()) == 1
        assert sum(sizes) - len(taken) == sum(sizes) % batch


@unhurried
@given(sizes, seeds, st.integers(1, 4), st.integers(0, 3))
def test_an_epoch_takes_every_sample_where_the_batch_divides_them(sizes: list[int], seed: int, parts: int, epoch: int) -> None:
    sizes = [size * parts for size in sizes]
    batch = sum(sizes) // parts
    taken = epoch_of(order_of(sizes, seed, batch), epoch, batch)
    assert Counter(taken) == Counter(SamplePosition(epoch, s, n) for s, size in enumerate(sizes) for n in range(size))


@unhurried
@given(sizes, seeds, st.integers(1, 3), worlds, st.integers(0, 200))
def test_the_global_batch_is_the_same_for_any_number_of_ranks_and_each_has_its_equal_share(
    sizes: list[int], seed: int, factor: int, world: int, step: int
) -> None:
    batch = 120 * factor
    order = order_of(sizes, seed, batch)
    shares = [order_of(sizes, seed, batch).batch(step, slots_of(rank, world, batch)) for rank in range(world)]
    assert {len(share) for share in shares} == {batch // world}
    assert [p for share in shares for p in share] == order.batch(step, range(batch))


@unhurried
@given(sizes, seeds, st.integers(1, 9), st.integers(0, 40))
def test_any_step_is_reached_at_once_as_by_walking_there(sizes: list[int], seed: int, batch: int, step: int) -> None:
    walked = order_of(sizes, seed, batch)
    for before in range(step):
        walked.batch(before, range(batch))
    assert walked.batch(step, range(batch)) == order_of(sizes, seed, batch).batch(step, range(batch))


@unhurried
@given(sizes, seeds, st.integers(1, 9), st.integers(1, 30))
def test_batches_do_not_depend_on_cached_permutations(
    sizes: list[int], seed: int, batch: int, cached_permutations: int
) -> None:
    one, other = (
        order_of(sizes, seed, batch, cached_permutations=1),
        order_of(sizes, seed, batch, cached_permutations=cached_permutations),
    )
    assert epoch_of(one, 0, batch) == epoch_of(other, 0, batch)


def test_a_permutation_for_each_slot_is_enough_to_make_none_for_every_batch_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Counter[tuple[int, ...]] = Counter()

    def counted(size: int, *key: int) -> object:
        made[key] += 1
        return permutation(size, *key)

    monkeypatch.setattr(sampler, "permutation", counted)
    sizes = [30, 7, 50, 13, 90, 1, 1, 60, 400, 35]
    order = order_of(sizes, 3, 12, cached_permutations=6)
    for step in range(3 * order.steps_per_epoch):
        order.batch(step, slots_of(1, 2, 12))
    assert max(made.values()) <= 2
    assert sum(made.values()) <= 3 * (len(sizes) + 6)


@unhurried
@given(sizes, seeds, st.integers(1, 9))
def test_fewer_samples_than_a_batch_are_repeated_until_it_is_full(sizes: list[int], seed: int, more: int) -> None:
    batch = sum(sizes) + more
    order = order_of(sizes, seed, batch)
    assert order.steps_per_epoch == 1
    counts = Counter(order.batch(0, range(batch))).values()
    assert len(counts) == sum(sizes)
    assert max(counts) - min(counts) <= 1


@unhurried
@given(st.lists(st.integers(20, 60), min_size=2, max_size=5), seeds, seeds, st.integers(0, 5))
def test_epochs_and_seeds_differ(sizes: list[int], seed: int, other: int, epoch: int) -> None:
    order = order_of(sizes, seed, 1)
    now, later = epoch_of(order, epoch, 1), epoch_of(order, epoch + 1, 1)
    assert [(p.shard, p.number) for p in now] != [(p.shard, p.number) for p in later]
    if other != seed:
        assert now != epoch_of(order_of(sizes, other, 1), epoch, 1)


def test_an_epoch_ends_with_its_last_whole_batch() -> None:
    order = order_of([50, 55], 0, 10)
    assert order.steps_per_epoch == 10
    assert order.epoch_of(9) == 0
    assert order.epoch_of(10) == 1


def test_another_set_of_samples_sits_out_each_epoch() -> None:
    order = order_of([7, 6], 3, 5)
    everything = {(s, n) for s, size in enumerate([7, 6]) for n in range(size)}
    missing = [frozenset(everything - {(p.shard, p.number) for p in epoch_of(order, epoch, 5)}) for epoch in range(6)]
    assert len(set(missing)) > 1


def test_the_order_is_the_same_for_ever() -> None:
    assert permutation(8, 1, 2, 3, 4).tolist() == [0, 6, 2, 4, 3, 5, 7, 1]
    places = order_of([3, 4, 2], 7, 4).batch(3, range(4))
    assert [(p.epoch, p.shard, p.number) for p in places] == [(1, 2, 1), (1, 1, 3), (1, 1, 1), (1, 0, 1)]


def test_a_batch_that_ranks_cannot_share_equally_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size: 8 is not a multiple of the 3 workers"):
        slots_of(0, 3, 8)


def test_among_100_000_shards_and_1_024_ranks_a_rank_needs_few_megabytes_and_shares_with_none() -> None:
    sizes = [1000] * 100_000
    tracemalloc.start()
    order = order_of(sizes, 0, 8192, cached_permutations=8)
    places = order.batch(123_456, slots_of(1000, 1024, 8192))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert len(places) == 8
    others = [p for rank in (0, 999, 1001, 1023) for p in order.batch(123_456, slots_of(rank, 1024, 8192))]
    assert len(set(places + others)) == 40


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 8), st.integers(0, 60), st.integers(0, 12), st.data()
)
def test_the_shards_that_come_next_are_those_that_the_next_steps_enter(
    sizes: list[int], batch_size: int, step: int, within: int, data: st.DataObject
) -> None:
    order = ShardSampler(sizes, 7, batch_size, cached_permutations=batch_size)
    first = data.draw(st.integers(0, batch_size - 1))
    slots = range(first, batch_size)

    def entered(slot: int) -> tuple[int, int] | None:
        """After how many steps this slot leaves its shard, or begins its next epoch's stretch, and where it is then."""
        here = order.batch(step, range(slot, slot + 1))[0]
        for later in range(1, within + 1):
            place = order.batch(step + later, range(slot, slot + 1))[0]
            if (place.epoch, place.shard) != (here.epoch, here.shard):
                return later, place.shard
        return None

    found = sorted(filter(None, (entered(slot) for slot in slots)), key=lambda entry: entry[0])
    assert order.prefetched(step, slots, within) == list(dict.fromkeys(shard for _, shard in found))


@unhurried
@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 12))
def test_unequal_shares_cover_the_batch_in_order_and_differ_by_one_grain_at_most(grain: int, units: int, world: int) -> None:
    batch = grain * units
    if units < world:
        with pytest.raises(
            InputError, match=f"training.batch_size: {batch} has no {grain} samples for each of {world} workers"
        ):
            slots_of(0, world, batch, grain)
        return
    shares = [slots_of(rank, world, batch, grain) for rank in range(world)]
    assert [slot for share in shares for slot in share] == list(range(batch))
    sizes = {len(share) // grain for share in shares}
    assert max(sizes) - min(sizes) <= 1
    assert all(len(share) % grain == 0 for share in shares)
    if units % world == 0:
        assert shares == [slots_of(rank, world, batch) for rank in range(world)]
