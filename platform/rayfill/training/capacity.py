"""Wait until the cluster has room for a run's workers. An autoscaler takes minutes to add a node, which is not a failure."""

import time
from collections.abc import Callable, Sequence

from rayfill.cluster.inside_job import inside_job
from rayfill.cluster.placement import Node, Share, largest_share, places
from rayfill.spec.duration import format_duration, parse_duration
from rayfill.spec.errors import InputError

WAIT_FOR_WORKERS = "30min"
"""Default wait for room on a cluster; a new GPU node often takes 10 minutes."""
GRACE = "20s"
"""How long a stop signal waits for a checkpoint unless told otherwise; Kubernetes kills after 30 s."""
POLL_S = 5.0
LOG_EVERY_S = 60.0


def waiting_limit(text: str = WAIT_FOR_WORKERS) -> float:
    """Seconds to wait for room. Zero outside a submitted job: a local Ray never grows."""
    return parse_duration(text) if inside_job() else 0.0


def wait_for_share(
    nodes: Callable[[], Sequence[Node]],
    workers: int,
    limit_s: float,
    log: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Share:
    """Wait for room for all workers, and return each worker's share.

    Args:
        nodes: asked every `POLL_S` seconds for the live nodes.
        workers: how many must fit.
        limit_s: seconds to wait; zero to answer at once.
        log: gets a line when the wait begins and every `LOG_EVERY_S` seconds.
        sleep: waits that many seconds.
        clock: seconds that only ever grow.

    Raises:
        InputError: there was no room within `limit_s`.
    """
    began = clock()
    logged = float("-inf")
    while True:
        try:
            return largest_share(nodes(), workers)
        except InputError as error:
            waited = clock() - began
            if waited >= limit_s:
                raise InputError(f"{error}{f' (waited {format_duration(waited)})' if limit_s else ''}") from None
            if clock() - logged >= LOG_EVERY_S:
                logged = clock()
                log(f"{error}; waiting for more, {format_duration(waited)} of {format_duration(limit_s)}")
        sleep(min(POLL_S, limit_s - waited))


def present_workers(nodes: Sequence[Node], least: int, most: int) -> int:
    """How many workers an elastic run begins with: as many as fit now, each with a CPU, and a GPU where there are any.

    InputError if not even `least` fit.
    """
    largest_share(nodes, least)
    gpus = 1 if any(node.gpus >= 1 for node in nodes) else 0
    return min(most, places(nodes, Share(1, gpus)))


def startup_failures(limit_s: float, timeout_s: float, failures: int) -> int:
    """How many timed-out starts of all workers make up the wait: Ray Train counts starts, not time.

    Args:
        limit_s: seconds to wait for room.
        timeout_s: of one start.
        failures: the least number, for starts that fail for another reason.
    """
    return max(failures, round(limit_s / timeout_s))
