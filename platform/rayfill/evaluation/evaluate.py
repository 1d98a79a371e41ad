"""Compute or look up the scorecard of a model folder on a dataset."""

import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from rayfill.evaluation import scorecard_store
from rayfill.evaluation.eval_set import EvalSet, prepare_eval_set
from rayfill.evaluation.measure_model import measure_model
from rayfill.evaluation.measured import MODEL, OWN, Measured
from rayfill.evaluation.measurements import Measurements, collect
from rayfill.evaluation.metrics import Metric
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.scorecard import Scorecard, Subject, summarise
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.hardware.precision import resolve_precision
from rayfill.inference.model_card import load_card
from rayfill.inference.model_folder import load_model
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec
from rayfill.spec.model import ModelCard
from rayfill.spec.protocol import ProtocolSpec
from rayfill.spec.recipe import AskedPrecision, Precision
from rayfill.systems import system_class

CHUNK = 4
"""Photographs a task: six masks each, so a task is long beside its overhead even for a tiny model."""


def evaluate_model(
    folder: Path,
    dataset_url: str,
    locations: Locations,
    *,
    images: int | None,
    spread: bool,
    mask_set: MaskSetSpec | None = None,
    protocol: ProtocolSpec | None = None,
    precision: AskedPrecision = "fp32",
) -> Evaluation:
    """The scorecard of the model in `folder` and the numbers behind it, kept among the scorecards under `locations`.

    Where these weights were measured under this very protocol before, that is returned and nothing is measured.

    Args:
        folder: a model folder.
        dataset_url, locations, images, mask_set, protocol: as for `prepare_eval_set`.
        spread: on the running Ray; else in this process, on its GPU if it has one.
        precision: to inpaint in; `auto` is decided by the hardware, and the card says what it came to.

    Raises:
        InputError: the model folder, the dataset, the mask set or the stored scorecard cannot be used.
    """
    model = load_card(folder)
    eval_set = prepare_eval_set(model.train_size, dataset_url, locations, images, mask_set, protocol)
    resolved = _agreed(precision, spread)
    stored = scorecard_store.find(locations, model.weights_sha256, eval_set.protocol.digest(), resolved)
    if isinstance(stored, Evaluation):  # another run may have ended with these very weights
        return Evaluation(stored.card.model_copy(update={"model": subject_of(model, resolved)}), stored.measurements)
    if stored is not None:
        print(f"{model.name}: its stored scorecard has no numbers by photograph; it is measured again", file=sys.stderr)
    made = score_model(folder, eval_set, spread, resolved)
    scorecard_store.keep(locations, made)
    return made


def score_model(folder: Path, eval_set: EvalSet, spread: bool, precision: Precision = "fp32") -> Evaluation:
    """Measure the model in `folder`, whatever scorecards are stored. A progress bar goes to stderr."""
    card = load_card(folder)
    measured: list[Measured] = []
    with tqdm(total=eval_set.protocol.images, desc=f"evaluating {card.name}", unit="photo", disable=None) as bar:
        for chunk in (_spread if spread else _serial)(folder, eval_set, precision):
            measured += chunk
            bar.update(len({one.image for one in chunk}))
    measurements = collect(measured, eval_set.photographs.names(), eval_set.protocol.buckets, eval_set.labels())
    return Evaluation(scorecard_of(card, eval_set.protocol, measurements, precision), measurements)


def scorecard_of(card: ModelCard, protocol: Protocol, measurements: Measurements, precision: Precision) -> Scorecard:
    """The scorecard of what was measured of a model."""
    return Scorecard(
        format="rayfill-scorecard-1",
        protocol=protocol,
        model=subject_of(card, precision),
        rows=summarise(measurements, (MODEL, *protocol.baselines)),
        own_metrics=tuple(
            Metric(name=own.name, areas=("whole",), better=own.better, definition=own.definition)
            for own in system_class(card.system).own_metrics
        ),
        own_rows=summarise(measurements, (OWN,)),
        measurements_sha256=measurements.digest(),
    )


def subject_of(card: ModelCard, precision: Precision) -> Subject:
    """What a scorecard says of the model it is about."""
    return Subject(
        name=card.name,
        run=card.lineage.run,
        step=card.lineage.step,
        weights_sha256=card.weights_sha256,
        precision=precision,
    )


def _agreed(asked: AskedPrecision, spread: bool) -> Precision:
    """One precision for all photographs, whichever machines measure them."""
    if not spread:
        return resolve_precision(asked, _device())
    from rayfill.evaluation.on_ray import agreed_precision

    return agreed_precision(asked)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _chunks(count: int) -> list[range]:
    return [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _serial(folder: Path, eval_set: EvalSet, precision: Precision) -> Iterator[list[Measured]]:
    model = load_model(folder, _device(), precision)
    for chunk in _chunks(eval_set.protocol.images):
        yield measure_model(model, eval_set, chunk)


def _spread(folder: Path, eval_set: EvalSet, precision: Precision) -> Iterator[list[Measured]]:
    from rayfill.evaluation.on_ray import measure_on_ray  # importing Ray takes seconds that the serial way need not pay

    return measure_on_ray(folder, eval_set, _chunks(eval_set.protocol.images), precision)
