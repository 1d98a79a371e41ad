"""The detection losses against a slow, literal transcription of gdn's equations 4-6 in float64."""

import math

import pytest
import torch

from rayfill.losses.detection import DetectionLoss, detection_loss


def literal(logits: torch.Tensor, mask: torch.Tensor, kind: str, gamma: float) -> float:
    total, n = 0.0, 0
    for i in range(len(mask)):
        alpha = float(mask[i].mean())
        for y in range(mask.shape[2]):
            for x in range(mask.shape[3]):
                a, b = math.exp(logits[i, 0, y, x]), math.exp(logits[i, 1, y, x])
                v, m = b / (a + b), float(mask[i, 0, y, x])
                hole, known = m * math.log(v), (1 - m) * math.log(1 - v)
                if kind != "cross_entropy":
                    hole, known = (1 - alpha) * hole, alpha * known
                if kind == "focal":
                    hole, known = (1 - v) ** gamma * hole, v**gamma * known
                total -= hole + known
                n += 1
    return total / n


@pytest.mark.parametrize("kind", ["cross_entropy", "balanced", "focal"])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_loss_is_the_paper_s_formula(kind: DetectionLoss, gamma: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 5, 6, generator=generator, dtype=torch.float64)
    mask = (torch.rand(2, 1, 5, 6, generator=generator) < torch.tensor([0.2, 0.6]).view(2, 1, 1, 1)).double()
    assert float(detection_loss(logits, mask, kind, gamma)) == pytest.approx(literal(logits, mask, kind, gamma), rel=1e-5)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["cross_entropy", "balanced", "focal"])
def test_an_empty_and_a_full_mask_give_finite_losses_and_gradients(kind: DetectionLoss, ratio: float) -> None:
    logits = torch.tensor([[[[50.0]], [[-50.0]]]], requires_grad=True)
    loss = detection_loss(logits, torch.full((1, 1, 1, 1), ratio), kind, 2.0)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
