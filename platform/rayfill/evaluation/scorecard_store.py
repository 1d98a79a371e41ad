"""Store scorecards and the numbers behind them by weights and protocol, so that nothing is measured twice."""

from dataclasses import dataclass

from rayfill.evaluation.measurements import Measurements, read_measurements
from rayfill.evaluation.scorecard import Scorecard, read_scorecard, write_scorecard
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Precision
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound


@dataclass(frozen=True)
class Evaluation:
    """A scorecard with the numbers of every photograph behind it."""

    card: Scorecard
    measurements: Measurements


def find(
    locations: Locations, weights_sha256: str, protocol_digest: str, precision: Precision = "fp32"
) -> Evaluation | Scorecard | None:
    """What is stored of these weights under this protocol and in this precision; None if there is nothing.

    A card alone if it was made before the numbers behind it were kept. InputError if what is stored is damaged.
    """
    store = open_store(locations.scorecards)
    key = _key(weights_sha256, protocol_digest, precision)
    try:
        card = read_scorecard(store.read(f"{key}.json"), store.url_of(f"{key}.json"))
    except NotFound:
        return None
    # The key holds only the beginnings of both digests.
    same = card.model.weights_sha256 == weights_sha256 and card.protocol.digest() == protocol_digest
    if not same or card.model.precision != precision:
        return None
    if card.measurements_sha256 is None:
        return card
    place = store.url_of(f"{key}.npz")
    try:
        measurements = read_measurements(store.read(f"{key}.npz"), place)
    except NotFound:
        return card
    if measurements.digest() != card.measurements_sha256:
        raise InputError(f"{place}: not the numbers that the scorecard beside it was made of; delete both to measure again")
    return Evaluation(card, measurements)


def keep(locations: Locations, made: Evaluation) -> str:
    """Store both and return the card's URL. The card comes last: where it is, the numbers are."""
    store = open_store(locations.scorecards)
    key = _key(made.card.model.weights_sha256, made.card.protocol.digest(), made.card.model.precision)
    store.write(f"{key}.npz", made.measurements.to_bytes())
    store.write(f"{key}.json", write_scorecard(made.card).encode())
    return store.url_of(f"{key}.json")


def _key(weights_sha256: str, protocol_digest: str, precision: Precision) -> str:
    return f"{weights_sha256[:12]}-{protocol_digest[:12]}{'' if precision == 'fp32' else f'-{precision}'}"
