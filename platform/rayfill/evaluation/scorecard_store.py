"""Store scorecards by weights and protocol digest, so that no model is measured twice."""

from rayfill.evaluation.scorecard import Scorecard, read_scorecard, write_scorecard
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Precision
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound


def find(locations: Locations, weights_sha256: str, protocol_digest: str, precision: Precision = "fp32") -> Scorecard | None:
    """The card of these weights under this protocol and in this precision, or None; InputError if the stored one is damaged."""
    store = open_store(locations.scorecards)
    key = _key(weights_sha256, protocol_digest, precision)
    try:
        card = read_scorecard(store.read(key), store.url_of(key))
    except NotFound:
        return None
    # The key holds only the beginnings of both digests.
    same = card.model.weights_sha256 == weights_sha256 and card.protocol.digest() == protocol_digest
    same = same and card.model.precision == precision
    return card if same else None


def keep(locations: Locations, card: Scorecard) -> str:
    """Store a card and return its URL."""
    store = open_store(locations.scorecards)
    key = _key(card.model.weights_sha256, card.protocol.digest(), card.model.precision)
    store.write(key, write_scorecard(card).encode())
    return store.url_of(key)


def _key(weights_sha256: str, protocol_digest: str, precision: Precision) -> str:
    return f"{weights_sha256[:12]}-{protocol_digest[:12]}{'' if precision == 'fp32' else f'-{precision}'}.json"
