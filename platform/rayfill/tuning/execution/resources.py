"""How many trials the cluster has room for now, and what each of their workers gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rayfill.spec.errors import InputError
from rayfill.spec.sweep import TrialResources

COORDINATOR = {"memory": 64 * 2**20}
"""What a trial of several workers asks for itself, in bytes: it only waits for them. No CPU, or two workers would not fit on
two CPUs; something, because Tune refuses a trial that asks for nothing."""

Node = Mapping[str, float]
"""Resources of one machine as Ray counts them: CPU, GPU."""


@dataclass(frozen=True, slots=True)
class TrialShare:
    """What each worker of a trial gets: CPUs, and GPUs or a share of one, 0 where the cluster has none."""

    workers: int
    cpus: float
    gpus: float

    @property
    def threads(self) -> int:
        """Of each worker."""
        return max(1, int(self.cpus))

    @property
    def of_worker(self) -> dict[str, float]:
        """As Ray is asked for one worker."""
        return {"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}

    @property
    def of_trial(self) -> dict[str, float]:
        """As Tune is asked for the trial's own process: the worker itself, or who waits for several."""
        return self.of_worker if self.workers == 1 else dict(COORDINATOR)


def share_of(wanted: TrialResources, nodes: Sequence[Node]) -> TrialShare:
    """What a trial's workers get on these machines.

    Raises:
        InputError: not even one trial fits, or its workers would share a GPU.
    """
    gpus = wanted.gpus if any(node.get("GPU", 0) for node in nodes) else 0.0
    if wanted.workers > 1 and 0 < gpus < 1:
        raise InputError(
            f"trial.gpus: {gpus:g}: a trial's workers cannot share a GPU, NCCL refuses it; allowed is 1, or one worker"
        )
    share = TrialShare(wanted.workers, wanted.cpus, gpus)
    if not room(share, nodes):
        cpus, there = sum(node.get("CPU", 0) for node in nodes), sum(node.get("GPU", 0) for node in nodes)
        gpu = f" and {share.gpus:g} GPUs" if share.gpus else ""
        raise InputError(
            f"trial: {share.workers} worker{'s' * (share.workers > 1)} of {share.cpus:g} CPUs{gpu} find no room: "
            f"{len(nodes)} nodes have {cpus:g} CPUs and {there:g} GPUs, and a worker lives on one node"
        )
    return share


def room(share: TrialShare, nodes: Sequence[Node]) -> int:
    """Trials that fit at once. A worker lives on one node; a trial's workers may live on several."""
    return sum(_places(share, node) for node in nodes) // share.workers


def _places(share: TrialShare, node: Node) -> int:
    # A hundredth of a thousandth, so that ten tenths of a GPU are ten places.
    by_cpu = int(node.get("CPU", 0) / share.cpus + 1e-5)
    if not share.gpus:
        return by_cpu
    gpus = node.get("GPU", 0)
    # A share of a GPU is of one GPU: two halves fit on it, two times 0.6 do not.
    by_gpu = int(gpus) * int(1 / share.gpus + 1e-5) if share.gpus < 1 else int(gpus / share.gpus + 1e-5)
    return min(by_cpu, by_gpu)
