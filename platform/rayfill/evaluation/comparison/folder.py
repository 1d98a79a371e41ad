"""A comparison on disk: `index.html`, with pictures that both models make now."""

from collections.abc import Sequence
from pathlib import Path

import torch

from rayfill.evaluation.comparison.compare import Comparison
from rayfill.evaluation.comparison.page import Section, render_comparison
from rayfill.evaluation.comparison.pictures import draw, extremes
from rayfill.evaluation.eval_set import prepare_eval_set
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_card import load_card
from rayfill.inference.model_folder import load_model
from rayfill.spec.locations import Locations
from rayfill.spec.protocol import ProtocolSpec


def write_comparison(
    place: Path,
    found: Sequence[Comparison],
    models: Sequence[tuple[str, Path, Evaluation]],
    dataset_url: str,
    locations: Locations,
    protocol: ProtocolSpec | None = None,
) -> Path:
    """Write the page into `place` and return its path.

    Args:
        place: a folder, made if it does not exist.
        found: what `compare` found of `models`.
        models: name, folder and evaluation, the first being what the others are held against.
        dataset_url, locations, protocol: those of the evaluations.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    (first, base_folder, base), *others = models
    size = load_card(base_folder).train_size
    eval_set = prepare_eval_set(size, dataset_url, locations, base.card.protocol.images, protocol=protocol)
    base_model = load_model(base_folder, device, base.card.model.precision)
    sections = []
    for comparison, (name, folder, made) in zip(found, others, strict=True):
        won, lost = extremes(base.measurements, made.measurements)
        model = load_model(folder, device, made.card.model.precision)
        both = [(first, base_model, base.measurements), (name, model, made.measurements)]
        sections.append(Section(comparison, draw(both, eval_set, won), draw(both, eval_set, lost)))
    place.mkdir(parents=True, exist_ok=True)
    page = place / "index.html"
    page.write_text(render_comparison(sections, base.card.protocol), encoding="utf-8")
    return page
