"""Evaluate on a Ray cluster: a task evaluates a few photographs, and a worker process caches the model between its tasks."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import ray
import torch

from rayfill.data.dataset import open_dataset
from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.measure_model import measure_model
from rayfill.evaluation.measured import Measured
from rayfill.evaluation.photographs import Photographs
from rayfill.evaluation.protocol import Protocol
from rayfill.hardware.agreement import choose_precision
from rayfill.hardware.on_ray import cluster_hardware
from rayfill.inference.model_card import CARD, WEIGHTS, load_card
from rayfill.inference.model_folder import Model, load_model
from rayfill.masks.mask_set import MaskSet
from rayfill.spec.recipe import AskedPrecision, Precision

IN_FLIGHT_PER_CPU = 2
"""Tasks submitted ahead, so that no worker waits for the driver and a large dataset does not flood the scheduler."""

GPU_SHARE = 0.25
"""Where the cluster has GPUs: of a task's time most goes into metrics on the CPU, so four tasks share one."""

Contents = tuple["ray.ObjectRef[dict[str, bytes]]", "ray.ObjectRef[MaskSet]"]


@dataclass(frozen=True)
class Parcel:
    """What a worker needs. Files travel through Ray's object store: the model need not be on a disk that all hosts see.

    Attributes:
        key: digests of all that is in it; a worker keeps what it unpacked under this name.
        contents: references to the model's files by name and to the mask set, fetched only by workers that lack them.
    """

    key: str
    dataset_url: str = field(compare=False)
    protocol: Protocol = field(compare=False)
    precision: Precision = field(compare=False)
    contents: Contents = field(compare=False)


def agreed_precision(asked: AskedPrecision) -> Precision:
    """What every machine of the cluster that is up inpaints in."""
    gpu = bool(ray.cluster_resources().get("GPU"))
    return choose_precision(asked, cluster_hardware({"CPU": 1, **({"GPU": GPU_SHARE} if gpu else {})}, asked))[0]


def measure_on_ray(
    folder: Path, eval_set: EvalSet, chunks: Sequence[Sequence[int]], precision: Precision
) -> Iterator[list[Measured]]:
    """`measure_model` on every chunk of photograph numbers, as they finish. Ray must be up; a task takes one CPU."""
    files = {name: (folder / name).read_bytes() for name in (CARD, WEIGHTS)}
    key = f"{load_card(folder).digest()}:{eval_set.protocol.digest()}:{eval_set.dataset_url}:{precision}"
    parcel = Parcel(key, eval_set.dataset_url, eval_set.protocol, precision, (ray.put(files), ray.put(eval_set.masks)))
    resources = ray.cluster_resources()
    task = ray.remote(num_cpus=1, num_gpus=GPU_SHARE if resources.get("GPU") else 0)(_measure_chunk)
    limit = IN_FLIGHT_PER_CPU * max(1, int(resources.get("CPU", 1)))
    running: list[ray.ObjectRef[list[Measured]]] = []
    try:
        for chunk in chunks:
            if len(running) >= limit:
                done, running = ray.wait(running)
                yield ray.get(done[0])
            running.append(task.remote(parcel, list(chunk)))
        while running:
            done, running = ray.wait(running)
            yield ray.get(done[0])
    finally:
        for reference in running:  # not empty only if the evaluation was stopped or a chunk failed
            ray.cancel(reference)


def _measure_chunk(parcel: Parcel, numbers: list[int]) -> list[Measured]:
    return measure_model(*_unpack(parcel), numbers)


@lru_cache(maxsize=1)
def _unpack(parcel: Parcel) -> tuple[Model, EvalSet]:
    torch.set_num_threads(1)  # the task has one CPU; more threads would fight with its neighbours
    cv2.setNumThreads(1)
    files, masks = ray.get(list(parcel.contents))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        model = load_model(Path(folder), device, parcel.precision)
    protocol = parcel.protocol
    photographs = Photographs(
        open_dataset(parcel.dataset_url), protocol.split, protocol.size, protocol.images, protocol.geometry
    )
    return model, EvalSet(parcel.dataset_url, photographs, masks, protocol)
