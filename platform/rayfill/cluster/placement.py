"""Place workers on the nodes of a cluster: how many fit, and what each gets. For training runs and for the trials of a sweep.

A worker lives on one node, so what counts is what fits into each of them, not the sum: two nodes of 8 CPUs have room for three
workers of 4 CPUs, not of 5. Ray would wait forever for a request that does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rayfill.spec.errors import InputError
from rayfill.spec.sweep import TrialResources

COORDINATOR = {"memory": 64 * 2**20}
"""What a trial of several workers asks for itself, in bytes: it only waits for them. No CPU, or two workers would not fit on
two CPUs; something, because Tune refuses a trial that asks for nothing."""

_ROUNDING = 1e-5  # ten tenths of a GPU are ten places


@dataclass(frozen=True, slots=True)
class Node:
    """CPUs and GPUs of one machine, as Ray counts them."""

    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker gets: CPUs, and GPUs or a fraction of one."""

    cpus: float
    gpus: float

    @property
    def resources(self) -> dict[str, float]:
        """Ray's resource request of one worker."""
        return {"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}

    @property
    def threads(self) -> int:
        """Of the worker."""
        return max(1, int(self.cpus))

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")


@dataclass(frozen=True, slots=True)
class TrialShare:
    """The workers of a trial, and what each of them gets."""

    workers: int
    worker: Share

    @property
    def resources(self) -> dict[str, float]:
        """Tune's resource request of the trial's own process: the worker itself, or the process that waits for several."""
        return self.worker.resources if self.workers == 1 else dict(COORDINATOR)


def places(nodes: Sequence[Node], share: Share) -> int:
    """How many workers of a share fit at once."""
    return sum(_on(node, share) for node in nodes)


def largest_share(nodes: Sequence[Node], workers: int) -> Share:
    """The most whole CPUs that every worker of a run can have, and a GPU for each where there are any.

    Raises:
        InputError: there are fewer places than workers.
    """
    gpus = 1 if any(node.gpus >= 1 for node in nodes) else 0
    most = places(nodes, Share(1, gpus))
    if workers > most:
        what = f"{sum(n.gpus for n in nodes):g} GPUs" if gpus else f"{sum(n.cpus for n in nodes):g} CPUs"
        raise InputError(f"--workers {workers}: the cluster has {what}; allowed are 1 to {most}")
    counts = range(1, int(max(n.cpus for n in nodes)) + 1)
    return Share(max(c for c in counts if places(nodes, Share(c, gpus)) >= workers), gpus)


def lacks_room(nodes: Sequence[Node], workers: int, share: Share) -> str | None:
    """What is missing where not all workers fit any more, or None."""
    room = places(nodes, share)
    if room >= workers:
        return None
    return f"waiting for the cluster: it has room for {room} of {workers} workers with {share} each"


def trial_share(wanted: TrialResources, nodes: Sequence[Node]) -> TrialShare:
    """What a trial's workers get on these machines; no GPU where there is none.

    Raises:
        InputError: not even one trial fits, or its workers would share a GPU.
    """
    gpus = wanted.gpus if any(node.gpus for node in nodes) else 0.0
    if wanted.workers > 1 and 0 < gpus < 1:
        raise InputError(
            f"trial.gpus: {gpus:g}: a trial's workers cannot share a GPU, NCCL refuses it; allowed is 1, or one worker"
        )
    share = TrialShare(wanted.workers, Share(wanted.cpus, gpus))
    if not trials_at_once(share, nodes):
        cpus, there = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
        gpu = f" and {gpus:g} GPUs" if gpus else ""
        raise InputError(
            f"trial: {share.workers} worker{'s' * (share.workers > 1)} of {wanted.cpus:g} CPUs{gpu} do not fit: "
            f"{len(nodes)} nodes have {cpus:g} CPUs and {there:g} GPUs, and a worker lives on one node"
        )
    return share


def trials_at_once(share: TrialShare, nodes: Sequence[Node]) -> int:
    """Trials that fit at once. A worker lives on one node; a trial's workers may live on several."""
    return places(nodes, share.worker) // share.workers


def _on(node: Node, share: Share) -> int:
    """Workers of a share that fit on one node."""
    by_cpu = int(node.cpus / share.cpus + _ROUNDING)
    if not share.gpus:
        return by_cpu
    # A fraction of a GPU is of one GPU: two halves fit on it, two times 0.6 do not.
    by_gpu = int(node.gpus) * int(1 / share.gpus + _ROUNDING) if share.gpus < 1 else int(node.gpus / share.gpus + _ROUNDING)
    return min(by_cpu, by_gpu)
