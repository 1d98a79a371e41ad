"""A report on disk: `scorecard.json` and `measurements.npz` for programs, and `index.html` for people."""

from pathlib import Path

import torch

from rayfill.evaluation.eval_set import prepare_eval_set
from rayfill.evaluation.report.page import render_report
from rayfill.evaluation.report.samples import draw_samples
from rayfill.evaluation.scorecard import write_scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_folder import load_model
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec
from rayfill.spec.protocol import ProtocolSpec


def write_report(
    place: Path,
    made: Evaluation,
    folder: Path,
    dataset_url: str,
    locations: Locations,
    mask_set: MaskSetSpec | None = None,
    protocol: ProtocolSpec | None = None,
) -> Path:
    """Write the files into `place` and return the page's path. The pictures are made now, by the model in `folder`.

    The other arguments are those of the evaluation.
    """
    card = made.card
    model = load_model(folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"), card.model.precision)
    eval_set = prepare_eval_set(model.card.train_size, dataset_url, locations, card.protocol.images, mask_set, protocol)
    place.mkdir(parents=True, exist_ok=True)
    (place / "measurements.npz").write_bytes(made.measurements.to_bytes())
    (place / "scorecard.json").write_text(write_scorecard(card))
    page = place / "index.html"
    page.write_text(render_report(card, model.card, draw_samples(model, eval_set)), encoding="utf-8")
    return page
