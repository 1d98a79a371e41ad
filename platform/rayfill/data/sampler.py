"""Sample order as a pure function of (seed, epoch, step), sharded over ranks.

For an epoch the shards are permuted, and so are the samples within each shard, which gives a sequence S of all N samples. A
global batch has G slots. With n = N // G steps an epoch, slot b walks through the stretch S[b n : (b + 1) n], so the batch of
step t is {S[b n + t] : b < G}, and rank r of W owns the slots from r G / W to (r + 1) G / W. From this follows:

- the global batch is the same for any number of ranks, and every rank has equally many batches;
- any step can be reached at once: nothing has to be counted, read or skipped to resume there;
- a rank reads G / W shards at a time, one after another, and needs 40 bytes of memory for each shard of the dataset (its size,
  and for two epochs its number and its end) and 8 for each sample of the shards that it is in (their permutations).

The N mod G samples at the end of S sit out that epoch; others do the next time. With fewer than G samples S is repeated
until one batch is full, and that batch is the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rayfill.concurrency.single_flight import SingleFlightCache
from rayfill.spec.errors import InputError

Int64 = npt.NDArray[np.int64]

_SHARDS, _SAMPLES = 1, 2  # what a permutation is for: part of its seed
_EPOCHS = 3  # at an epoch's end the next one is read ahead, and its shards are looked for


@dataclass(frozen=True, slots=True)
class SamplePosition:
    """A sample in the sequence of all epochs: which epoch, which shard, and its number within the shard."""

    epoch: int
    shard: int
    number: int


@dataclass(frozen=True)
class _Epoch:
    shards: Int64  # in the epoch's order
    ends: Int64  # of each in S


class ShardSampler:
    """Order of the samples of some shards.

    Args:
        sizes: samples of each shard, each at least 1.
        seed: another seed is another order in every epoch; at least 0.
        batch_size: G, samples of a step over all ranks.
        cached_permutations: how many permutations of shards to cache. As many as slots are asked for at once suffice to make
            none for every batch again (a shard in which one slot begins and another ends is made twice an epoch); the samples
            are the same for any.
    """

    def __init__(self, sizes: Sequence[int], seed: int, batch_size: int, *, cached_permutations: int) -> None:
        self._sizes = np.asarray(sizes, np.int64)
        self._seed, self._batch_size = seed, batch_size
        self.samples = int(self._sizes.sum())
        self._epochs = SingleFlightCache(self._make_epoch, _EPOCHS)
        self._permutations = SingleFlightCache(self._make_permutation, cached_permutations)

    @property
    def steps_per_epoch(self) -> int:
        """n: how many whole batches the samples make, but at least 1."""
        return max(1, self.samples // self._batch_size)

    def epoch_of(self, step: int) -> int:
        """The epoch that a global step (from 0) belongs to."""
        return step // self.steps_per_epoch

    def batch(self, step: int, slots: range) -> list[SamplePosition]:
        """The samples of global step `step` in `slots` of its batch."""
        epoch, t = divmod(step, self.steps_per_epoch)
        positions = (np.arange(slots.start, slots.stop, dtype=np.int64) * self.steps_per_epoch + t) % self.samples
        now = self._epochs(epoch)
        at = np.searchsorted(now.ends, positions, side="right")
        shards = now.shards[at]
        within = positions - now.ends[at] + self._sizes[shards]
        return [
            SamplePosition(epoch, shard, int(self._permutations((epoch, shard))[number]))
            for shard, number in zip(shards.tolist(), within.tolist(), strict=True)
        ]

    def prefetched(self, step: int, slots: range, within: int) -> list[int]:
        """The shards that slots enter next, the first ones first, as far as they do so within so many steps after `step`."""
        epoch, t = divmod(step, self.steps_per_epoch)
        now, then = self._epochs(epoch), self._epochs(epoch + 1)
        begins = np.arange(slots.start, slots.stop, dtype=np.int64) * self.steps_per_epoch
        positions = (begins + t) % self.samples
        at = np.searchsorted(now.ends, positions, side="right")
        left = np.minimum(now.ends[at] - positions, self.steps_per_epoch - t)
        entered = now.shards[(at + 1) % len(now.shards)]
        first = then.shards[np.searchsorted(then.ends, begins % self.samples, side="right")]
        shards = np.where(left == self.steps_per_epoch - t, first, entered)
        soon = np.argsort(left, kind="stable")
        return list(dict.fromkeys(shards[soon[left[soon] <= within]].tolist()))

    def _make_permutation(self, key: tuple[int, int]) -> Int64:
        epoch, shard = key
        return permutation(int(self._sizes[shard]), self._seed, epoch, _SAMPLES, shard)

    def _make_epoch(self, epoch: int) -> _Epoch:
        shards = permutation(len(self._sizes), self._seed, epoch, _SHARDS, 0)
        return _Epoch(shards, np.cumsum(self._sizes[shards]))


def slots_of(rank: int, world: int, batch_size: int, grain: int | None = None) -> range:
    """The slots of a global batch that a rank owns.

    Args:
        rank, world: which rank of how many.
        batch_size: slots of all ranks.
        grain: every rank gets a multiple of so many slots, as equal a share as that allows; None shares equally.

    Raises:
        InputError: the batch cannot be shared so.
    """
    if grain is None:
        if batch_size % world:
            raise InputError(f"training.batch_size: {batch_size} is not a multiple of the {world} workers that share it")
        grain = batch_size // world
    units = batch_size // grain
    if units < world:
        raise InputError(f"training.batch_size: {batch_size} has no {grain} samples for each of {world} workers")
    return range(rank * units // world * grain, (rank + 1) * units // world * grain)


def permutation(size: int, *key: int) -> Int64:
    """A permutation of range(size), (size,), that depends on the key alone.

    Made from raw bits because numpy keeps those the same for ever, which it does not promise for its own `permutation`.
    """
    bits = np.random.PCG64(np.random.SeedSequence(key)).random_raw(size)
    return np.argsort(bits, kind="stable")
