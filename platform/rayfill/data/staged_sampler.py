"""Sample order of a run whose phases differ in picture size and batch size: still a pure function of seed, stages and step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rayfill.data.batch import SampleMap
from rayfill.data.sampler import SamplePosition, ShardSampler, slots_of


@dataclass(frozen=True)
class Stage:
    """Steps of one picture size and batch size.

    Attributes:
        first: its first step, from 0; it ends where the next one begins, and the last never.
        size: height and width of the pictures in pixels.
        batch_size: samples of a step over all ranks.
        maps: what is computed of each sample, by name.
    """

    first: int
    size: int
    batch_size: int
    maps: Mapping[str, SampleMap] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stretch:
    """Neighbouring stages of one batch size, which one sampler serves; its epochs are counted from `epoch`."""

    first: int
    epoch: int
    slots: range
    sampler: ShardSampler


class StagedSampler:
    """`ShardSampler` for a run of several stages.

    Stages of one batch size are one walk through the dataset, whatever their picture sizes. A stage of another batch size
    begins a new epoch, so that its crops, flips and masks are new ones.

    Args:
        sizes: samples of each shard, each at least 1.
        seed: of the order.
        stages: in order, the first at step 0.
        rank, world: which share of every batch is wanted.
        grain: as for `slots_of`.

    Raises:
        InputError: a batch cannot be shared equally.
    """

    def __init__(
        self, sizes: Sequence[int], seed: int, stages: Sequence[Stage], rank: int, world: int, grain: int | None = None
    ) -> None:
        self._stages = tuple(stages)
        self._stretches: list[_Stretch] = []
        batch_size = 0
        for stage in stages:
            if stage.batch_size == batch_size:
                continue
            batch_size, epoch = stage.batch_size, 0
            if self._stretches:
                before = self._stretches[-1]
                epoch = before.epoch + before.sampler.epoch_of(stage.first - before.first - 1) + 1
            slots = slots_of(rank, world, batch_size, grain)
            sampler = ShardSampler(sizes, seed, batch_size, cached_permutations=len(slots))
            self._stretches.append(_Stretch(stage.first, epoch, slots, sampler))

    @property
    def most_slots(self) -> int:
        """Most samples of a step that this rank has."""
        return max(len(stretch.slots) for stretch in self._stretches)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of an epoch in the first stage."""
        return self._stretches[0].sampler.steps_per_epoch

    def stage(self, step: int) -> Stage:
        """The stage of a global step."""
        return next(stage for stage in reversed(self._stages) if stage.first <= step)

    def epoch_of(self, step: int) -> int:
        """The epoch that a global step (from 0) belongs to; each (epoch, sample) comes once at most."""
        stretch = self._stretch(step)
        return stretch.epoch + stretch.sampler.epoch_of(step - stretch.first)

    def batch(self, step: int) -> list[SamplePosition]:
        """This rank's samples of global step `step`."""
        stretch = self._stretch(step)
        positions = stretch.sampler.batch(step - stretch.first, stretch.slots)
        if stretch.epoch == 0:
            return positions
        return [SamplePosition(stretch.epoch + p.epoch, p.shard, p.number) for p in positions]

    def prefetched(self, step: int, within: int) -> list[int]:
        """The shards that this rank enters next, as far as it does so within so many steps after `step`, in its stretch."""
        stretch = self._stretch(step)
        return stretch.sampler.prefetched(step - stretch.first, stretch.slots, within)

    def _stretch(self, step: int) -> _Stretch:
        return next(stretch for stretch in reversed(self._stretches) if stretch.first <= step)
