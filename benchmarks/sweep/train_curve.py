"""One configuration trained by the platform's own loop: its metric at every rung, and what a step of it costs."""

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np
import torch

from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.psnr import mean_squared_error, psnr
from rayfill.inference.composite import to_uint8
from rayfill.spec.errors import Failed
from rayfill.spec.run import RunSpec
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, load_state, train_worker_steps

WORKER = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)


@dataclass(frozen=True)
class Measured:
    """What one training gave.

    Attributes:
        metric: hole PSNR in dB of the composited answers at each rung that was reached.
        cpu_s: CPU seconds of training until its end, all threads, loading included and measuring not.
        exam_cpu_s: CPU seconds of measuring.
        steps: steps that were made; fewer than the recipe's where the training diverged.
    """

    metric: tuple[float, ...]
    cpu_s: float
    exam_cpu_s: float
    steps: int


def train_curve(run: RunSpec, eval_set: EvalSet, rungs: tuple[int, ...]) -> Measured:
    """Train `run` on one thread and measure it at `rungs`, the last of which is its end; a divergence ends the curve."""
    state = load_state(run, WORKER, None)
    metric, exam_cpu_s, began = [], 0.0, time.process_time()
    with closing(train_worker_steps(run, WORKER, state, _Nothing(), pauses=rungs)) as training, suppress(Failed):
        for _ in training:
            paused = time.process_time()
            metric.append(hole_psnr(state, eval_set))
            exam_cpu_s += time.process_time() - paused
    return Measured(tuple(metric), time.process_time() - began - exam_cpu_s, exam_cpu_s, state.step)


@torch.no_grad()
def hole_psnr(state: TrainState, eval_set: EvalSet) -> float:
    """The scorecard's `psnr`, `hole`, `composited`, `all`, of the weights that would be served, and nothing else of it."""
    system = state.system
    contract = system.contract(system.Options.model_validate(state.recipe.system.options))
    photographs = [eval_set.photographs.read(i)[1] for i in range(eval_set.protocol.images)]
    pairs = [(p, eval_set.masks.mask(bucket, i)) for i, p in enumerate(photographs) for bucket in eval_set.protocol.buckets]
    trained = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    system.load_state_dict(state.inference_weights())
    system.eval()
    images = torch.from_numpy(np.stack([picture for picture, _ in pairs])).permute(0, 3, 1, 2).float() / 255
    holes = torch.from_numpy(np.stack([(mask > 0).astype(np.float32) for _, mask in pairs]))[:, None]
    answers = [to_uint8(raw) for raw in inpaint_batch(system, contract, images, holes).raw]
    system.load_state_dict(trained)
    system.train()
    values = [
        psnr(mean_squared_error((answer / 255.0 - picture / 255.0)[mask > 0]))
        for answer, (picture, mask) in zip(answers, pairs, strict=True)
    ]
    return float(np.mean(values))


class _Nothing:
    """The loop's hooks: nothing is shown, saved or started from."""

    def phase_begins(self, state: TrainState) -> None: ...

    def step_begins(self, state: TrainState) -> None: ...

    def requests(self) -> tuple[bool, bool]:
        return False, False

    def metrics(self, step: int, values: Mapping[str, float]) -> None: ...

    def validate(self, state: TrainState) -> None: ...

    def note(self, sentence: str) -> None: ...

    def sample_grid(self, state: TrainState) -> None: ...

    def checkpoint(self, state: TrainState) -> None: ...
