"""Measure a model in training on photographs and masks that never change."""

from collections.abc import Callable

import numpy as np
import torch

from rayfill.data.dataset import open_dataset
from rayfill.evaluation.default_mask_set import default_mask_set
from rayfill.evaluation.photographs import Photographs
from rayfill.evaluation.psnr import mean_squared_error, psnr
from rayfill.inference.composite import to_uint8
from rayfill.masks.mask_set import generate_mask_set
from rayfill.spec.locations import at_version
from rayfill.spec.run import RunSpec
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.training.optimization.gradients import sum_each_over_workers
from rayfill.training.state import TrainState

BATCH = 8
"""Photographs at once, the same ones whatever the number of workers."""
PREFIX = "val/"
"""How the names of these metrics begin."""


class Validator:
    """Hole PSNR in dB and L1 in [0,1] of raw answers, rounded to uint8, means over the photographs.

    Photograph i has mask i of the standard mask set's bucket i modulo six. Batches are dealt to the workers and every value is
    put in its place before the mean is taken, so that it does not depend on how many workers there are.
    """

    def __init__(self, run: RunSpec, rank: int, world: int, device: torch.device) -> None:
        settings = run.recipe.training.validation
        assert settings is not None, "the recipe validates"
        self._rank, self._world, self._device = rank, world, device
        size = run.recipe.images.size
        dataset = open_dataset(at_version(run.dataset, run.dataset_digest))
        photographs = Photographs(dataset, "val", size, settings.images)
        self._count = len(photographs)
        masks = generate_mask_set(default_mask_set(size).model_copy(update={"per_bucket": self._count}))
        buckets = list(masks.bits)
        self._pictures, self._holes = {}, {}
        for number in self._mine():
            self._pictures[number] = photographs.read(number)[1]
            self._holes[number] = masks.mask(buckets[number % len(buckets)], number)

    def measure(self, state: TrainState, tick: Callable[[], None]) -> dict[str, float]:
        """Metrics by name of the weights that would be served. All workers must ask; `tick` is called now and then."""
        system = state.system
        contract = system.contract(system.Options.model_validate(state.recipe.system.options))
        precision = state.recipe.training.precision
        values = torch.zeros(2, self._count, dtype=torch.float64)
        with state.served():
            for batch in self._batches():
                image = torch.from_numpy(np.stack([self._pictures[n] for n in batch])).permute(0, 3, 1, 2)
                mask = torch.from_numpy(np.stack([self._holes[n] for n in batch]))[:, None]
                filled = inpaint_batch(
                    system,
                    contract,
                    image.to(self._device).float() / 255,
                    mask.to(self._device).float(),
                    precision="bf16" if precision == "bf16" else "fp32",
                )
                for place, number in enumerate(batch):
                    difference = (to_uint8(filled.raw[place]) / 255.0 - self._pictures[number] / 255.0)[self._holes[number] > 0]
                    values[0, number] = psnr(mean_squared_error(difference))
                    values[1, number] = float(np.abs(difference).mean())
                tick()
        means = sum_each_over_workers(values, self._device).mean(dim=1).tolist()
        return {f"{PREFIX}psnr": means[0], f"{PREFIX}l1": means[1]}

    def _batches(self) -> list[range]:
        batches = [range(start, min(start + BATCH, self._count)) for start in range(0, self._count, BATCH)]
        return batches[self._rank :: self._world]

    def _mine(self) -> list[int]:
        return [number for batch in self._batches() for number in batch]
