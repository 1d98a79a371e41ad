"""Compare every digest in the chain of a version with what it names."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rayfill.data.dataset import open_dataset
from rayfill.inference.model_card import WEIGHTS
from rayfill.masks.mask_set_store import load_mask_set
from rayfill.registry import tags
from rayfill.registry.chain import Chain
from rayfill.registry.fetch import version_folder
from rayfill.spec.base import canonical_json
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound

RUN_FILE = "run.json"
"""The same as in training/run_directory.py, which lies above."""


@dataclass(frozen=True)
class Check:
    """One digest: `ok`, `FAIL` where it is not that of what it names, `gone` where that is no longer there."""

    what: str
    state: Literal["ok", "FAIL", "gone"]
    told: str


def verify_version(chain: Chain, locations: Locations) -> list[Check]:
    """A check for each link of the chain. The model's card was compared when the chain was read."""
    return [
        Check("card", "ok", chain.card.digest()),
        _checked("weights", chain.card.weights_sha256, lambda: _weights(chain, locations)),
        _checked("weights as registered", chain.tags[tags.WEIGHTS_SHA256], lambda: chain.card.weights_sha256),
        _checked("recipe", chain.card.lineage.recipe_digest, lambda: _sha(canonical_json(chain.card.lineage.recipe).encode())),
        _checked("recipe of the run", chain.card.lineage.recipe_digest, lambda: _run(chain, locations).recipe.digest()),
        _checked("dataset of the run", chain.card.lineage.dataset_digest, lambda: _run(chain, locations).dataset_digest),
        _checked("dataset", chain.card.lineage.dataset_digest, lambda: _dataset(chain)),
        *_scorecard(chain, locations),
    ]


def _scorecard(chain: Chain, locations: Locations) -> list[Check]:
    card = chain.scorecard
    if card is None:
        return []
    masks = card.protocol.mask_set
    return [
        _checked("scorecard", chain.tags["rayfill.scorecard_digest"], card.digest),
        _checked("weights of the scorecard", chain.card.weights_sha256, lambda: card.model.weights_sha256),
        _checked("protocol", chain.tags["rayfill.protocol_digest"], card.protocol.digest),
        _checked("mask set", card.protocol.mask_set_digest, lambda: load_mask_set(locations.mask_set(masks)).digest),
    ]


def _checked(what: str, expected: str, found: Callable[[], str]) -> Check:
    try:
        digest = found()
    except (NotFound, FileNotFoundError):
        return Check(what, "gone", expected)
    except (InputError, Failed) as error:
        gone = "there is no" in str(error) or "no version" in str(error) or "not a mask set" in str(error)
        return Check(what, "gone" if gone else "FAIL", str(error))
    return Check(what, "ok", digest) if digest == expected else Check(what, "FAIL", f"{digest}, and {expected} is on record")


def _weights(chain: Chain, locations: Locations) -> str:
    with (version_folder(chain.version, locations) / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(chain: Chain, locations: Locations) -> RunSpec:
    return RunSpec.model_validate_json(open_store(locations.run(chain.card.lineage.run)).read(RUN_FILE))


def _dataset(chain: Chain) -> str:
    lineage = chain.card.lineage
    return open_dataset(at_version(lineage.dataset, lineage.dataset_digest)).digest


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
