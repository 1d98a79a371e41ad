"""Manifests of packed parts, so that a killed ingest repeats only unfinished parts."""

import re
from typing import Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.dataset import Rejection, Sha256, Shard, Split, StoredIngestSpec
from rayfill.storage.store import Store

PLAN = "parts/plan.json"

_PART = re.compile(r"parts/\d+\.json")


class Plan(Spec):
    """`parts/plan.json`: what the dataset at this place is made from. The first ingest to write it decides."""

    format: Literal["rayfill-ingest-1"]
    source: str
    spec: StoredIngestSpec


class AdditionPlan(Spec):
    """`parts/addition-NNN.json`: what is being added to which version. The first ingest to write it decides."""

    format: Literal["rayfill-addition-1"]
    source: str
    base: Sha256
    first_part: int = Field(ge=1)


class PartManifest(Spec):
    """`parts/NNNNN.json`: a part is packed and its shards are stored. It stays, and says which photograph a sample was."""

    part: int = Field(ge=0)
    files: Sha256 = Field(description="digest of the paths and sizes that the part was made from")
    samples: tuple[tuple[str, str], ...] = Field(description="sample id and source path, in the source's order")
    dropped: tuple[str, ...] = Field(description="ids left out because an earlier part has them, sorted")
    looks: tuple[str, ...] = Field((), description="of each sample, in the same order; empty for a flat one or if not taken")
    moved: dict[str, Split] = Field({}, description="ids whose near-duplicates lie in another split than their own hash says")
    shards: tuple[Shard, ...]
    converted: dict[str, int]
    skipped: tuple[Rejection, ...]


def part_manifest_key(part: int) -> str:
    """Where a part's manifest lies in the dataset."""
    return f"parts/{part:05d}.json"


def read_part_manifests(store: Store) -> list[PartManifest]:
    """All that lie in a dataset, in the order of their numbers."""
    keys = [entry.key for entry in store.list("parts/") if _PART.fullmatch(entry.key)]
    return [PartManifest.model_validate_json(store.read(key)) for key in keys]


def addition_key(number: int) -> str:
    """Where the plan of the addition of this number, from 0, lies in the dataset."""
    return f"parts/addition-{number:03d}.json"
