"""What filling one picture costs on this machine: milliseconds, models taking turns, and memory, in a process of its own."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model, load_model
from rayfill.spec.errors import Failed
from rayfill.spec.recipe import Precision

WARM_UP, ROUNDS = 2, 15
MEMORY_TIMEOUT_S = 300


@dataclass(frozen=True)
class Cost:
    """Of one model on one device: `cpu` or `cuda`. None where it was not asked for."""

    device: str
    median_ms: float | None = None
    peak_mib: float | None = None


def device_kind() -> str:
    """Where this process would inpaint."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def latencies(models: Sequence[Model], size: int) -> list[float]:
    """Median milliseconds of one picture of `size` pixels for each model. They take turns, so what else runs here hits all."""
    picture, mask = _case(size)
    taken: list[list[float]] = [[] for _ in models]
    for round_number in range(WARM_UP + ROUNDS):
        for own, model in zip(taken, models, strict=True):
            began = time.perf_counter()
            inpaint(model, [picture], [mask])  # its answer is on the CPU, so the device has finished
            if round_number >= WARM_UP:
                own.append(1000 * (time.perf_counter() - began))
    return [statistics.median(own) for own in taken]


def peak_memory(folder: Path, size: int, precision: Precision) -> float:
    """MiB that a new process needs at most to load the model and fill one picture; of tensors where there is a GPU."""
    words = [sys.executable, "-m", "rayfill.evaluation.probes.cost", str(folder), str(size), precision]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=MEMORY_TIMEOUT_S, check=True)
        return float(json.loads(done.stdout.splitlines()[-1]))
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        raise Failed(f"{folder}: its memory cannot be measured ({type(error).__name__})") from None


def _case(size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    mask = np.zeros((size, size), np.uint8)
    mask[:, size // 4 : size // 4 + size // 2] = 1
    return rng.integers(0, 256, (size, size, 3), np.uint8), mask


def _peak_of_this_process(folder: Path, size: int, precision: Precision) -> float:
    model = load_model(folder, torch.device(device_kind()), precision)
    picture, mask = _case(size)
    inpaint(model, [picture], [mask])
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    print(json.dumps(_peak_of_this_process(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))  # type: ignore[arg-type]
