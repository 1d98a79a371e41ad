"""What an ingest leaves behind on its way, so that after a kill only unfinished parts are done again."""

from typing import Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.dataset import IngestSpec, Rejection, Sha256, Shard

PLAN = "parts/plan.json"


class Plan(Spec):
    """`parts/plan.json`: what the dataset at this place is made from. The first ingest to write it decides."""

    format: Literal["rayfill-ingest-1"]
    source: str
    spec: IngestSpec


class Receipt(Spec):
    """`parts/NNNNN.json`: a part is packed and its shards are stored. It stays, and says which photograph a sample was."""

    part: int = Field(ge=0)
    files: Sha256 = Field(description="digest of the paths and sizes that the part was made from")
    samples: tuple[tuple[str, str], ...] = Field(description="sample id and source path, in the order of the shards")
    dropped: tuple[str, ...] = Field(description="ids left out because an earlier part has them, sorted")
    shards: tuple[Shard, ...]
    converted: dict[str, int]
    skipped: tuple[Rejection, ...]


def receipt_key(part: int) -> str:
    """Where a part's receipt lies in the dataset."""
    return f"parts/{part:05d}.json"
