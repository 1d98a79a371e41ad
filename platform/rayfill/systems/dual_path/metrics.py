"""PSNR of several samples for one picture: their mean, and the best of them."""

from collections.abc import Sequence

import torch

from rayfill.systems.base import OwnMetric

LEAST_ERROR = 1e-10
"""Mean squared errors are held above this: no PSNR beyond 100 dB, which is also what the scorecards count identity as."""

OF_N = (
    OwnMetric(
        "psnr_mean_of_n",
        "higher",
        "mean over N samples (system.options.evaluate_samples, seeds 0 to N-1) of the composited picture's PSNR in dB",
    ),
    OwnMetric(
        "psnr_best_of_n",
        "higher",
        "the best of those N PSNRs; an oracle: it is chosen by looking at the original, so no user can have it",
    ),
)


def psnr_of_n(answers: Sequence[torch.Tensor], image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
    """The values (B,) of `OF_N`.

    Args:
        answers: raw (B,3,H,W) in [0,1] each, of the same pictures; composited here.
        image: (B,3,H,W) in [0,1], the original.
        mask: (B,1,H,W), 1 = hole.
    """
    errors = [(mask * (answer.float() - image)).square().mean(dim=(1, 2, 3)) for answer in answers]
    psnr = -10 * torch.stack(errors).clamp_min(LEAST_ERROR).log10()
    return {"psnr_mean_of_n": psnr.mean(dim=0), "psnr_best_of_n": psnr.amax(dim=0)}
