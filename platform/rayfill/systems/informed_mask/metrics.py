"""Metrics of informed-mask's tables, and two that its tables lack: quality of the predicted masks and of blind inpainting."""

from collections.abc import Iterable

import numpy as np
import torch
from skimage.metrics import structural_similarity

from rayfill.spec.contract import ImageContract
from rayfill.systems.base import OwnMetric, System
from rayfill.systems.batch_inference import inpaint_batch, predict_mask_batch
from rayfill.systems.informed_mask.edges import edge_maps, luminance

_PSNR_CAP = 100.0
_BLIND = "with the predicted mask, after white damage"

OWN_METRICS = (
    OwnMetric(
        "mask_iou", "higher", "intersection over union of the predicted mask above 0.5 and the holes, after white damage"
    ),
    OwnMetric("mask_l1", "lower", "mean distance of the predicted mask from the given one, after white damage"),
    OwnMetric("edge_psnr", "higher", "PSNR (at most 100) of the edge map, given mask, against Canny's of the original"),
    OwnMetric("edge_ssim", "higher", "SSIM (Gaussian window 11, sigma 1.5) of the edge map, given mask, against Canny's"),
    OwnMetric("edge_psnr_blind", "higher", f"edge_psnr {_BLIND}"),
    OwnMetric("edge_ssim_blind", "higher", f"edge_ssim {_BLIND}"),
    OwnMetric("psnr_given", "higher", "PSNR (at most 100) of the composited picture with the given mask"),
    OwnMetric("psnr_blind", "higher", f"PSNR (at most 100) of the composited picture {_BLIND}"),
)


def measure_answers(
    system: System, contract: ImageContract, sigma: float, image: torch.Tensor, mask: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The values (B,) of `OWN_METRICS`.

    Args:
        system: one whose `fill` tells a map "edge" and that predicts masks.
        sigma: of the edge detector that the target edges come from.
        image: (B,3,H,W) in [0,1], undamaged.
        mask: (B,1,H,W), 1 = hole.
    """
    damaged = image * (1 - mask) + mask
    predicted = predict_mask_batch(system, contract, damaged)
    true_edges = edge_maps(luminance(image), sigma)
    values = {"mask_iou": overlap(predicted, mask), "mask_l1": (predicted - mask).abs().flatten(1).mean(1)}
    for edge_ending, picture_ending, used in (("", "_given", mask), ("_blind", "_blind", predicted)):
        filled = inpaint_batch(system, contract, damaged, used)
        values[f"edge_psnr{edge_ending}"] = psnr(filled.maps["edge"], true_edges)
        values[f"edge_ssim{edge_ending}"] = ssim(filled.maps["edge"], true_edges)
        values[f"psnr{picture_ending}"] = psnr(filled.raw * used + damaged * (1 - used), image)
    return values


def overlap(predicted: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B,) intersection over union of two masks (B,1,H,W), each cut at 0.5; 1 where neither has a hole."""
    found, true = predicted > 0.5, mask > 0.5
    union = (found | true).flatten(1).sum(1)
    return torch.where(union == 0, 1.0, (found & true).flatten(1).sum(1) / union.clamp_min(1))


def psnr(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(B,) in dB, at most 100, of pictures (B,C,H,W) in [0,1]."""
    error = (output.float() - target.float()).square().flatten(1).mean(1)
    return (-10 * error.clamp_min(1e-12).log10()).clamp_max(_PSNR_CAP)


def ssim(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(B,) structural similarity of maps (B,1,H,W) in [0,1], sides at least 11 (Wang et al. 2004)."""
    pairs: Iterable[tuple[torch.Tensor, torch.Tensor]] = zip(output[:, 0], target[:, 0], strict=True)
    values = [
        structural_similarity(
            a.double().cpu().numpy(), b.double().cpu().numpy(), data_range=1.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in pairs
    ]  # fmt: skip
    return torch.from_numpy(np.array(values, np.float32)).to(output.device)
