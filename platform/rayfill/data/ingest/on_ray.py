"""The parallel map of an ingest as Ray tasks."""

from collections.abc import Callable, Iterator, Sequence

import ray
from ray.exceptions import RayTaskError

from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest

_RETRIES = 3


def run_on_ray(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
    """Pack every job as a task of one CPU; at most two a CPU are under way, so that a million parts do not fill the scheduler.

    A task whose worker is lost is run again; an error that `pack` raises is raised here and cancels the rest.
    """
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(pack)
    most = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = iter(jobs)
    running = [task.remote(job) for _, job in zip(range(most), waiting, strict=False)]
    try:
        while running:
            done, running = ray.wait(running, num_returns=1)
            running += [task.remote(job) for _, job in zip(done, waiting, strict=False)]
            yield ray.get(done[0])
    except RayTaskError as error:
        raise error.cause from None  # the packer's own error; Ray's holds the remote traceback as its message
    finally:
        for left in running:
            ray.cancel(left)
