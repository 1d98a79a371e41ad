"""Decide a run's precision and number of steps on the cluster that will train it."""

import socket
from collections.abc import Callable, Mapping, Sequence

import ray
import torch
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from torch import distributed

from rayfill.hardware.agreement import choose_precision, resume_warning
from rayfill.hardware.on_ray import cluster_hardware
from rayfill.spec.run import RunSpec
from rayfill.training.optimization.step_time import seconds_per_step
from rayfill.training.resolve import explain_steps, with_precision, with_steps
from rayfill.training.worker import WorkerContext

Log = Callable[[str], None]


def resolve_run(run: RunSpec, resources: Mapping[str, float], threads: int, log: Log) -> RunSpec:
    """The run with its precision and number of steps decided by the cluster; `asked` keeps what was asked for.

    Args:
        run: as the command line made it.
        resources: of each worker, as Ray counts them.
        threads: of each worker.
        log: gets a sentence about each decision that is worth one.
    """
    asked = run.recipe
    precision, warning = choose_precision(asked.training.precision, cluster_hardware(resources, asked.training.precision))
    if warning:
        log(warning)
    recipe = with_precision(asked, precision)
    if recipe.training.time is not None:
        log(f"timing steps to fit training.for={recipe.training.time}")
        timed = time_steps(run.model_copy(update={"recipe": recipe}), resources, threads)
        recipe = with_steps(recipe, timed)
        log(explain_steps(recipe, timed))
    return run if recipe == asked else run.model_copy(update={"recipe": recipe, "asked": asked})


def warn_of_other_hardware(run: RunSpec, resources: Mapping[str, float], log: Log) -> None:
    """Say what a resumed run keeps that a new one would do differently on this cluster."""
    asked, began = (run.asked or run.recipe).training.precision, run.recipe.training.precision
    assert began != "auto", "a claimed run is resolved"
    sentence = resume_warning(began, asked, cluster_hardware(resources, asked))
    if sentence:
        log(sentence)


def time_steps(run: RunSpec, resources: Mapping[str, float], threads: int) -> list[float]:
    """Seconds of a step of each phase: the slowest worker's, all workers timed at once and where Ray Train would put them."""
    group = placement_group([dict(resources)] * run.workers, strategy="PACK")
    try:
        ray.get(group.ready())
        actor = ray.remote(num_cpus=resources.get("CPU", 0), num_gpus=resources.get("GPU", 0))(_StepTimer)
        timers = [
            actor.options(
                scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=rank)
            ).remote(run.model_dump(mode="json"), rank, threads)
            for rank in range(run.workers)
        ]
        # Workers average their gradients as in the run; one that was timed alone would look faster than it is.
        meeting_point = ray.get(timers[0].meeting_point.remote())
        ray.get([timer.join.remote(meeting_point) for timer in timers])
        times: Sequence[Sequence[float]] = ray.get([timer.time.remote() for timer in timers])
        for timer in timers:
            ray.kill(timer)
    finally:
        remove_placement_group(group)
    return [max(of_phase) for of_phase in zip(*times, strict=True)]


class _StepTimer:
    def __init__(self, run: dict[str, object], rank: int, threads: int) -> None:
        self._run = RunSpec.model_validate(run)
        device = torch.device("cuda" if ray.get_gpu_ids() else "cpu")
        self._worker = WorkerContext(rank, self._run.workers, device, threads)

    def meeting_point(self) -> str:
        """Where the workers' process group meets: a free port of rank 0's machine."""
        with socket.socket() as probe:
            probe.bind(("", 0))
            return f"tcp://{ray.util.get_node_ip_address()}:{probe.getsockname()[1]}"

    def join(self, meeting_point: str) -> None:
        """Form the process group. Returns once everything is imported."""
        if self._worker.world_size > 1:
            backend = "nccl" if self._worker.device.type == "cuda" else "gloo"
            worker = self._worker
            distributed.init_process_group(backend, init_method=meeting_point, rank=worker.rank, world_size=worker.world_size)

    def time(self) -> list[float]:
        """As `seconds_per_step`."""
        return seconds_per_step(self._run, self._worker)
