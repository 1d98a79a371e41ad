"""Detection losses: plain, balanced and focal cross-entropy (gdn, eq. 4-6). In float32."""

import math
from typing import Literal

import torch
from torch.nn import functional

DetectionLoss = Literal["focal", "balanced", "cross_entropy"]

LEAST_PROBABILITY = 1e-8
"""Probabilities are held above this before the logarithm, as in GDN's public code."""


def detection_loss(logits: torch.Tensor, mask: torch.Tensor, kind: DetectionLoss, focusing: float) -> torch.Tensor:
    """Mean over batch and pixels of the chosen cross-entropy against the mask as a weak label.

    Args:
        logits: (B,2,H,W); channel 1 is "was a hole".
        mask: (B,1,H,W) in [0,1], 1 = hole.
        kind: "cross_entropy" is eq. 4; "balanced" weighs hole pixels by 1 - alpha and known ones by alpha, the image's own
            hole ratio (eq. 5); "focal" multiplies that by (1 - p)^focusing (eq. 6).
        focusing: gamma of eq. 6, at least 0; the others ignore it.
    """
    log_p = functional.log_softmax(logits.float(), dim=1).clamp_min(_LOG_LEAST)
    log_known, log_hole = log_p[:, :1], log_p[:, 1:]
    hole_term, known_term = mask * log_hole, (1 - mask) * log_known
    if kind != "cross_entropy":
        alpha = mask.mean(dim=(1, 2, 3), keepdim=True)
        hole_term, known_term = (1 - alpha) * hole_term, alpha * known_term
    if kind == "focal":
        hole_term = (1 - log_hole.exp()).pow(focusing) * hole_term
        known_term = (1 - log_known.exp()).pow(focusing) * known_term
    return -(hole_term + known_term).mean()


_LOG_LEAST = math.log(LEAST_PROBABILITY)
