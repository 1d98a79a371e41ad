"""R1: the critic's gradient at photographs, squared (Mescheder, Geiger, Nowozin, ICML 2018, eq. 9, without their gamma / 2)."""

import torch


def r1_penalty(logits: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of |d sum D(x) / dx|^2, with a graph of its own, so that it can be differentiated again.

    Args:
        logits: the critic's answer to `image`, any shape. Compute it in float32: squares of bf16 gradients have two digits.
        image: (B,3,H,W), requires a gradient.
    """
    (gradient,) = torch.autograd.grad(logits.float().sum(), image, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()
