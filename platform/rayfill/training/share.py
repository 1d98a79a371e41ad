"""How a cluster's CPUs and GPUs are shared by the workers of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from rayfill.spec.errors import InputError


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of the cluster has."""

    cpus: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker gets."""

    cpus: int
    gpu: bool

    @property
    def resources(self) -> dict[str, float]:
        """As Ray is asked for one worker."""
        return {"CPU": self.cpus, **({"GPU": 1} if self.gpu else {})}


def largest_share(nodes: Sequence[Node], workers: int) -> Share:
    """The most CPUs that every worker can have, and a GPU for each where there are any.

    A worker lives on one node, so what counts is what fits into each of them, not the sum: two nodes of 8 CPUs have room for
    three workers of 4 CPUs, not of 5. Ray would wait for ever for what does not fit.

    Raises:
        InputError: there are fewer places than workers.
    """
    gpu = any(node.gpus for node in nodes)
    most = _places(nodes, 1, gpu)
    if workers > most:
        what = f"{sum(n.gpus for n in nodes)} GPUs" if gpu else f"{sum(n.cpus for n in nodes)} CPUs"
        raise InputError(f"--workers {workers}: the cluster has {what}; allowed are 1 to {most}")
    cpus = max(c for c in range(1, max(n.cpus for n in nodes) + 1) if _places(nodes, c, gpu) >= workers)
    return Share(cpus, gpu)


def lacks_room(nodes: Sequence[Node], workers: int, share: Share) -> str | None:
    """What is missing where not all workers fit any more, or None."""
    room = _places(nodes, share.cpus, share.gpu)
    if room >= workers:
        return None
    each = f"{share.cpus} CPU{' and 1 GPU' * share.gpu}"
    return f"waiting for the cluster: it has room for {room} of {workers} workers with {each} each"


def _places(nodes: Sequence[Node], cpus: int, gpu: bool) -> int:
    """How many workers of `cpus` CPUs, and a GPU if `gpu`, fit."""
    return sum(min(n.cpus // cpus, n.gpus) if gpu else n.cpus // cpus for n in nodes)
