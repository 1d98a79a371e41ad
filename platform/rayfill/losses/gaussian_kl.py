"""Divergences between the latent distributions of the two paths (Zheng et al. 2019, on which dual-path builds). In float32."""

import torch


def gaussian_kl(mean: torch.Tensor, std: torch.Tensor, to_mean: torch.Tensor, to_std: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, std^2) || N(to_mean, to_std^2)), averaged over all elements; deviations above 0, shapes broadcast.

    log(to_std / std) + (std^2 + (mean - to_mean)^2) / (2 to_std^2) - 1/2.
    """
    mean, std, to_mean, to_std = (t.float() for t in (mean, std, to_mean, to_std))
    ratio = (std / to_std).square()
    distance = ((mean - to_mean) / to_std).square()
    return (0.5 * (ratio + distance - 1 - ratio.log())).mean()


def hidden_std(hole: torch.Tensor) -> torch.Tensor:
    """Standard deviation of the prior of the hidden part's latent: 1 / (1 + exp(8 (valid - 0.8))), (B,1,1,1) in (0.16, 1).

    The more is hidden, the more answers there are. hole (B,1,H,W), 1 = hole; valid is the share of known pixels.
    """
    valid = 1 - hole.float().mean(dim=(1, 2, 3), keepdim=True)
    return torch.sigmoid(-8 * (valid - 0.8))
