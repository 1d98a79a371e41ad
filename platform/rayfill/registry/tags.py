"""MLflow tags of a registered version: lineage and last scores."""

from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.scorecard import Scorecard, score
from rayfill.spec.model import ModelCard

RUN = "rayfill.run"
SWEEP = "rayfill.sweep"
SYSTEM = "rayfill.system"
DATASET = "rayfill.dataset"
CARD_DIGEST = "rayfill.card_digest"
WEIGHTS_SHA256 = "rayfill.weights_sha256"
SCORECARD = "rayfill.scorecard"
PSNR = "rayfill.psnr"
"""The headline: mean PSNR in dB of composited answers over whole pictures and all buckets."""


def lineage_tags(card: ModelCard) -> dict[str, str]:
    """From a version back to the run, the recipe, the data, the code and the very bytes."""
    lineage = card.lineage
    return {
        RUN: lineage.run,
        SYSTEM: card.system.kind,
        DATASET: lineage.dataset,
        CARD_DIGEST: card.digest(),
        WEIGHTS_SHA256: card.weights_sha256,
        "rayfill.step": str(lineage.step),
        "rayfill.recipe_digest": lineage.recipe_digest,
        "rayfill.dataset_digest": lineage.dataset_digest,
        "rayfill.code_version": lineage.code_version,
    }


def scorecard_tags(card: Scorecard, artifact: str) -> dict[str, str]:
    """What the last evaluation said, and where in the MLflow run its whole scorecard lies."""
    return {
        SCORECARD: artifact,
        PSNR: f"{score(card, MODEL, 'psnr'):.4f}",
        "rayfill.ssim": f"{score(card, MODEL, 'ssim'):.4f}",
        "rayfill.scorecard_digest": card.digest(),
        "rayfill.protocol_digest": card.protocol.digest(),
    }
