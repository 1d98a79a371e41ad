"""LaMa's critic loss against a literal transcription, and which patches it calls repaired."""

import math

import pytest
import torch

from rayfill.losses.mask_aware_adversarial import mask_aware_critic, repaired_patches


def literal(real: torch.Tensor, fake: torch.Tensor, repaired: torch.Tensor) -> float:
    def log_sigmoid(x: float) -> float:
        return -math.log(1 + math.exp(-x))

    total = 0.0
    for x, g, m in zip(real.flatten().tolist(), fake.flatten().tolist(), repaired.flatten().tolist(), strict=True):
        total -= log_sigmoid(x) + m * log_sigmoid(-g) + (1 - m) * log_sigmoid(g)
    return total / real.numel()


def test_the_critic_s_loss_is_the_paper_s_formula() -> None:
    torch.manual_seed(0)
    real, fake = torch.randn(2, 2, 1, 4, 5, dtype=torch.float64)
    repaired = (torch.rand(2, 1, 4, 5) < 0.4).double()
    assert float(mask_aware_critic(real, fake, repaired)) == pytest.approx(literal(real, fake, repaired), rel=1e-6)


def test_known_patches_of_the_answer_are_taught_as_real_and_repaired_ones_as_fake() -> None:
    fake = torch.zeros(1, 1, 1, 2, requires_grad=True)
    loss = mask_aware_critic(torch.zeros(1, 1, 1, 2), fake, torch.tensor([[[[0.0, 1.0]]]]))
    (gradient,) = torch.autograd.grad(loss, fake)
    assert gradient[0, 0, 0, 0] < 0 < gradient[0, 0, 0, 1]


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_confident_logits_in_bf16_give_finite_losses(logit: float) -> None:
    logits = torch.full((1, 1, 2, 2), logit, dtype=torch.bfloat16)
    loss = mask_aware_critic(logits, logits, torch.ones(1, 1, 2, 2))
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(100, rel=1e-3)


def test_one_pixel_makes_its_patch_repaired_and_no_other() -> None:
    mask = torch.zeros(2, 1, 32, 32)
    mask[1, 0, 13, 30] = 1
    labels = repaired_patches(mask, (4, 4), "touch")
    assert labels.shape == (2, 1, 4, 4)
    assert labels.nonzero().tolist() == [[1, 0, 1, 3]]


def test_nearest_may_miss_a_thin_hole() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 13] = 1
    assert repaired_patches(mask, (4, 4), "nearest").sum() == 0
    assert repaired_patches(mask, (4, 4), "touch").sum() == 4


@pytest.mark.parametrize("label", ["touch", "nearest"])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_an_empty_mask_has_no_repaired_patch_and_a_full_one_only_such(label: str, ratio: float) -> None:
    assert (repaired_patches(torch.full((1, 1, 256, 256), ratio), (19, 19), label) == ratio).all()  # type: ignore[arg-type]
