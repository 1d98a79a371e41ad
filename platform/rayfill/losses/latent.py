"""Loss of the latent search, per picture (lsgan-ae, "Understanding Loss Functions")."""

import torch


def contextual(generated: torch.Tensor, picture: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(B,): the sum of |W (G(z) - y)| over a picture's channels and pixels, in float32.

    Args:
        generated, picture: (B,3,H,W) in [-1,1].
        weight: (B,1,H,W), at least 0 and 0 in holes. The paper's M is 1 where a pixel is known, our masks where it is not.
    """
    return (weight.float() * (generated.float() - picture.float())).abs().sum(dim=(1, 2, 3))


def perceptual(score: torch.Tensor) -> torch.Tensor:
    """(B,): (D(G(z)) - 1)^2 of scores (B,), in float32.

    The paper prints log(1 - D(G(z))), which a least-squares critic makes ill-defined: its scores pass 1.
    """
    return (score.float() - 1).square()
