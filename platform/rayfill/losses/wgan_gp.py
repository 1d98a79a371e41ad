"""WGAN with gradient penalty (Gulrajani et al. 2017; dual-path, eq. 1, whose signs are put right). In float32.

The paper prints E[D(x)] - E[D(G)] + penalty as the loss to minimise, with the penalty at a*x - (1-a)*G and added twice. The
critic minimises E[D(G)] - E[D(x)] + lambda * penalty, with the penalty at a*x + (1-a)*G, once. lambda is the term's weight.
"""

from collections.abc import Callable

import torch

LEAST_SQUARE = 1e-12
"""Added under the square root of the gradient's norm, whose derivative at 0 would be infinite."""


def critic_distance(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """E[D(G)] - E[D(x)], for the critic to minimise; its negative estimates the Wasserstein distance. Logits of any shape."""
    return fake.float().mean() - real.float().mean()


def generator_value(fake: torch.Tensor) -> torch.Tensor:
    """-E[D(G)], for the generator to minimise. Logits of any shape."""
    return -fake.float().mean()


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor
) -> torch.Tensor:
    """E[(|dD/dx| - 1)^2] at mix * real + (1 - mix) * fake, |.| the 2-norm over a whole picture. Without autocast.

    D of a picture is the mean of the critic's logits for it, the same number whose expectation the losses above take. The
    gradient that is returned reaches the critic's weights alone, not the pictures.

    Args:
        critic: (B,C,H,W) to logits (B,...), of each sample on its own.
        real, fake: (B,C,H,W), in the critic's range.
        mix: (B,1,1,1) in [0,1], one number a sample.
    """
    with torch.autocast(real.device.type, enabled=False), torch.enable_grad():
        between = (mix * real.float() + (1 - mix) * fake.float()).detach().requires_grad_()
        values = critic(between).flatten(1).mean(dim=1)
        (slope,) = torch.autograd.grad(values.sum(), between, create_graph=True)
        norm = (slope.square().sum(dim=(1, 2, 3)) + LEAST_SQUARE).sqrt()
        return (norm - 1).square().mean()
