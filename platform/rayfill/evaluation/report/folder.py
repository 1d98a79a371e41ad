"""A report on disk: `scorecard.json` for programs and `index.html` for people."""

from pathlib import Path

import torch

from rayfill.evaluation.eval_set import prepare_eval_set
from rayfill.evaluation.report.page import render_report
from rayfill.evaluation.report.samples import draw_samples
from rayfill.evaluation.scorecard import Scorecard, write_scorecard
from rayfill.inference.model_folder import load_model
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec


def write_report(
    place: Path, card: Scorecard, folder: Path, dataset_url: str, locations: Locations, mask_set: MaskSetSpec | None = None
) -> Path:
    """Write both files into `place` and return the page's path. The pictures are made now, by the model in `folder`.

    The other arguments are those of the evaluation that made the card.
    """
    model = load_model(folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"), card.model.precision)
    eval_set = prepare_eval_set(model.card.train_size, dataset_url, locations, card.protocol.images, mask_set)
    place.mkdir(parents=True, exist_ok=True)
    (place / "scorecard.json").write_text(write_scorecard(card))
    page = place / "index.html"
    page.write_text(render_report(card, model.card, draw_samples(model, eval_set)), encoding="utf-8")
    return page
