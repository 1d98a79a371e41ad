"""Average gradients over the workers and clip them.

The gradients of one player travel as one flat buffer per type. DistributedDataParallel is not used: several players on one
shared forward pass, and gradient penalties, are what its hooks do not support (docs/adr/0003-gradients.md).
"""

from collections.abc import Sequence

import torch
from torch import distributed, nn


def world_size() -> int:
    """Number of workers."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def average_over_workers(gradients: Sequence[torch.Tensor]) -> None:
    """Replace each gradient by its mean over the workers, in place. A single worker's are unchanged."""
    if world_size() == 1:
        return
    by_type: dict[torch.dtype, list[torch.Tensor]] = {}
    for gradient in gradients:
        by_type.setdefault(gradient.dtype, []).append(gradient)
    for group in by_type.values():
        flat = torch.cat([g.reshape(-1) for g in group])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for gradient, part in zip(group, flat.split([g.numel() for g in group]), strict=True):
            gradient.copy_(part.view_as(gradient))


def sum_over_workers(value: float, device: torch.device) -> float:
    """The sum of every worker's number. Collective: every worker must call it; `device` carries the message."""
    total = torch.tensor(value, dtype=torch.float32, device=device)
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(total)
    return float(total)


def sum_each_over_workers(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The sum of every worker's numbers, place by place, on the CPU; as `sum_over_workers`."""
    total = values.to(device)
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(total)
    return total.cpu()


def average_buffers(system: nn.Module) -> None:
    """Replace running statistics, such as those of batch norms, by their mean over the workers, in place.

    Every worker gathers those of its own share of the batch; what is saved and shown must not be rank 0's alone.
    """
    average_over_workers([buffer for buffer in system.buffers() if buffer.is_floating_point()])


def clip(gradients: Sequence[torch.Tensor], largest: float | None) -> torch.Tensor:
    """The 2-norm over all gradients (a scalar tensor); they are scaled down in place where it exceeds `largest`."""
    norm = torch.nn.utils.get_total_norm(list(gradients))
    if largest is not None:
        factor = (largest / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factor)
    return norm
