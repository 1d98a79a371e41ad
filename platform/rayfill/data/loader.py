"""Training loader: endless batches, read, decoded, cropped and masked by threads, in a reproducible order."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt
import torch

from rayfill.data.augment import draw_augmentation
from rayfill.data.batch import Batch
from rayfill.data.corrupt_samples import Replacements
from rayfill.data.dataset import Dataset
from rayfill.data.images.decode import decode_square
from rayfill.data.images.untrusted import InvalidImage
from rayfill.data.sampler import SamplePosition
from rayfill.data.staged_sampler import Stage, StagedSampler
from rayfill.masks.draw import draw_levels
from rayfill.spec.dataset import Split
from rayfill.spec.masks import MaskMix
from rayfill.spec.recipe import Images

UInt8 = npt.NDArray[np.uint8]

SHARDS_AHEAD = 256
"""Steps before its first sample is due at which the next remote shard of a slot is prefetched."""


@dataclass(frozen=True)
class _Memory:
    """Where threads write a batch, or a part of it: pictures (B,S,S,3) and holes (B,S,S) uint8, and maps (B,C,S,S) by name."""

    pixels: torch.Tensor
    holes: torch.Tensor
    maps: Mapping[str, torch.Tensor]

    def part(self, cut: slice) -> "_Memory":
        return _Memory(self.pixels[cut], self.holes[cut], {name: values[cut] for name, values in self.maps.items()})


@dataclass(frozen=True)
class _Prefetched:
    """A batch that threads are filling, and the tasks that do it."""

    memory: _Memory
    tasks: tuple[Future[list[str]], ...]


class Loader:
    """This rank's batches of a split. A context manager: its threads end with the block.

    Args:
        dataset, split: where the samples come from.
        seed: of order, crops, flips and masks.
        batch_size: samples of a step over all ranks.
        rank, world: which share of every batch is this one's; without `grain`, `world` must divide `batch_size`.
        images: size, crop and colours of the training images.
        masks: mask families; a hole is a function of (seed, epoch, sample id).
        threads: that decode; the samples do not depend on how many there are.
        prefetch: batches that are made ahead, at least 1.
        pin: make the batches in page-locked memory, from which a GPU can copy while it computes.
        stages: where picture size, batch size or maps change with the step; they replace `images.size` and `batch_size`.
        grain: as for `slots_of`; with it, ranks may have batches of different sizes.

    Raises:
        InputError: the split is empty, or the batch cannot be shared. While iterating: a shard is missing or damaged, or too
            many of its samples cannot be decoded; few are replaced by their neighbours, with a warning (corrupt_samples.py).
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        *,
        seed: int,
        batch_size: int,
        rank: int,
        world: int,
        images: Images,
        masks: MaskMix,
        threads: int,
        prefetch: int,
        pin: bool,
        stages: Sequence[Stage] = (),
        grain: int | None = None,
    ) -> None:
        self._dataset, self._shards = dataset, dataset.shards(split)
        stages = stages or (Stage(0, images.size, batch_size),)
        self._sampler = StagedSampler([shard.samples for shard in self._shards], seed, stages, rank, world, grain)
        dataset.reader.keep(2 * self._sampler.most_slots)
        self._shards_ahead: list[int] = []
        self._replacements = Replacements(dataset, self._shards, _judged_at(images, stages))
        self._seed, self._images, self._masks = seed, images, masks
        self._threads, self._prefetch, self._pin = threads, prefetch, pin
        # OpenCV must not start threads of its own inside ours.
        self._pool = ThreadPoolExecutor(threads, "rayfill-loader", initializer=cv2.setNumThreads, initargs=(0,))
        self._step = 0

    def state_dict(self) -> dict[str, int]:
        """``{"step": s}``: the global step whose batch comes next. It is all that resuming needs, on any number of ranks."""
        return {"step": self._step}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue at another step from the next `iter()` on; nothing is read to skip."""
        self._step = state["step"]

    def epoch_of(self, step: int) -> int:
        """The epoch that a global step belongs to."""
        return self._sampler.epoch_of(step)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch, the same for every rank."""
        return self._sampler.steps_per_epoch

    @property
    def unreadable(self) -> int:
        """Number of distinct unreadable samples that this rank has met since it started, prefetched ones included."""
        return len(self._replacements.unreadable)

    def __iter__(self) -> Iterator[Batch]:
        """Batches from the current step on, epoch after epoch. image (B,3,S,S) and mask (B,1,S,S) uint8, 255 = hole and
        values between for pixels that are damaged in part.

        The image is laid out channels last, as decoders write it. One iteration at a time.
        """
        prefetched: deque[_Prefetched] = deque()
        ahead = self._step
        try:
            while True:
                while len(prefetched) <= self._prefetch:
                    prefetched.append(self._begin(ahead))
                    ahead += 1
                batch = prefetched.popleft()
                ids = tuple(name for task in batch.tasks for name in task.result())
                # Not before: what is needed now has then been asked for.
                self._look_ahead(self._step)
                self._step += 1
                made = batch.memory
                yield Batch(made.pixels.permute(0, 3, 1, 2), made.holes[:, None], ids, made.maps)
        finally:
            for task in (task for batch in prefetched for task in batch.tasks):
                task.cancel()

    def close(self) -> None:
        """End the threads; what they have begun is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self, step: int) -> _Prefetched:
        positions, stage = self._sampler.batch(step), self._sampler.stage(step)
        memory = self._allocated(len(positions), stage)
        # A task takes several samples: handing work to a thread costs about a tenth of decoding one.
        share = -(-len(positions) // self._threads)
        cuts = [slice(start, start + share) for start in range(0, len(positions), share)]
        return _Prefetched(memory, tuple(self._pool.submit(self._fill, positions[c], memory.part(c), stage) for c in cuts))

    def _allocated(self, count: int, stage: Stage) -> _Memory:
        def empty(*shape: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
            return torch.empty((count, *shape), dtype=dtype, pin_memory=self._pin)

        size = stage.size
        maps = {name: empty(found.channels, size, size, dtype=found.dtype) for name, found in stage.maps.items()}
        return _Memory(empty(size, size, 3), empty(size, size), maps)

    def _look_ahead(self, step: int) -> None:
        shards = self._sampler.prefetched(step, SHARDS_AHEAD)
        if shards != self._shards_ahead:
            self._shards_ahead = shards
            self._dataset.reader.ahead([self._shards[number] for number in shards])

    def _fill(self, positions: list[SamplePosition], memory: _Memory, stage: Stage) -> list[str]:
        pixels, holes = memory.pixels.numpy(), memory.holes.numpy()
        names = []
        for i, position in enumerate(positions):
            names.append(self._sample(position, pixels[i], holes[i]))
            for name, found in stage.maps.items():
                memory.maps[name][i] = found.make(pixels[i], holes[i])
        return names

    def _sample(self, position: SamplePosition, pixels: UInt8, hole: UInt8) -> str:
        try:
            name = self._picture(position, position.number, pixels)
        except InvalidImage:
            name = self._picture(position, self._replacements.of(position.shard, position.number), pixels)
        hole[:] = draw_levels(self._masks, hole.shape[0], hole.shape[1], (self._seed, position.epoch, name))
        return name

    def _picture(self, position: SamplePosition, number: int, pixels: UInt8) -> str:
        name, data = self._dataset.reader.read(self._shards[position.shard], number)
        decode_square(data, self._images, draw_augmentation(self._images, self._seed, position.epoch, name), pixels)
        return name


def _judged_at(images: Images, stages: Sequence[Stage]) -> int:
    """The side that samples are decoded at, at least, to see whether they can be; 0 decodes them whole, as such crops do."""
    return max(stage.size for stage in stages) if images.resize in ("squash", "crop") else 0
