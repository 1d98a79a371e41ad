"""Datasets: how photographs are ingested, and the manifest that makes a folder of shards a dataset."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rayfill.spec.base import Spec, Strict, canonical_json

Split = Literal["train", "val"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class IngestSpec(Spec):
    """How a source of photographs becomes shards. Part of the manifest, so a dataset says how it was made."""

    val_share: float = Field(0.1, ge=0, lt=1, description="share of photographs held out, chosen by content hash")
    shard_mib: float = Field(256.0, gt=0, le=4096, description="target size of a shard in MiB")
    max_side: int | None = Field(
        None, ge=32, description="shrink photographs to this shorter side where it is longer, in pixels"
    )
    min_side: int = Field(32, ge=8, description="photographs with a shorter side below this are skipped as tiny")
    quality: int = Field(95, ge=50, le=100, description="JPEG quality where a photograph has to be encoded again")
    near_bits: int = Field(
        5, ge=0, le=8, description="photographs alike but for so many bits of a 64-bit hash share a split; 0 to let each choose"
    )
    adopt: bool = Field(False, description="index WebDataset shards that others wrote where they lie, and copy nothing")

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        if self.max_side is not None and self.max_side < self.min_side:
            raise ValueError(f"max_side {self.max_side} would shrink photographs below min_side {self.min_side}")
        return self

    @model_validator(mode="after")
    def _adopted_shards_stay_as_they_are(self) -> Self:
        for name in ("shard_mib", "max_side", "quality") if self.adopt else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} changes shards, and adopted ones stay as they are; leave it out")
        return self


def _as_it_was(spec: Any) -> Any:
    """Read a stored spec without `near_bits` as 0: older versions did not look for near-duplicates."""
    return {"near_bits": 0} | spec if isinstance(spec, dict) else spec


StoredIngestSpec = Annotated[IngestSpec, BeforeValidator(_as_it_was)]
"""An IngestSpec in a file: a key that it lacks has the meaning of the version that wrote it, not today's default."""


class Shard(Strict):
    """The samples of one split in one tar. `index` holds each one's id, offset and length: nothing is read to be skipped.

    An adopted tar holds samples of both splits and some of neither, so it can appear twice, each time with another index.
    """

    path: str
    split: Split
    samples: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256
    index: str
    index_sha256: Sha256
    adopted: bool = Field(False, description="others wrote the tar: not all that is in it belongs to the dataset")


class NearDuplicates(Strict):
    """Photographs that look alike, counted over the whole dataset."""

    groups: int = Field(description="groups of photographs that look alike; a group lies in one split")
    photographs: int = Field(description="photographs in these groups")
    largest: int = Field(description="photographs in the largest group")
    moved: int = Field(description="photographs whose group lies in another split than they would by themselves")


class Rejection(Strict):
    """A photograph that did not enter the dataset, or entered it changed, and why."""

    path: str
    reason: str


class Addition(Strict):
    """What was added to a dataset after it was made: one version became the next."""

    source: str
    base: Sha256 = Field(description="digest of the version before")
    samples: int = Field(ge=1)
    first_part: int = Field(ge=1, description="number of the first part that was added")


class Manifest(Strict):
    """`manifest.json`: written last, so a dataset is either whole or not there."""

    format: Literal["rayfill-dataset-1"]
    dataset_digest: Sha256
    source: str
    spec: StoredIngestSpec
    shards_at: str | None = Field(None, description="URL that the shards' paths begin at, where it is not the manifest's")
    shards: tuple[Shard, ...]
    samples: dict[Split, int]
    converted: dict[str, int] = Field(description="photographs that were converted, counted by reason (cmyk, 16-bit, ...)")
    skipped: tuple[Rejection, ...]
    relatives: NearDuplicates | None = Field(None, description="near-duplicates; null if they were not looked for")
    additions: tuple[Addition, ...] = Field((), description="what was added since, the oldest first")

    @property
    def tars(self) -> dict[str, Shard]:
        """One shard by path of its tar; an adopted tar can be that of two shards."""
        return {shard.path: shard for shard in self.shards}

    @property
    def bytes(self) -> int:
        """Size of all tars, in bytes."""
        return sum(shard.bytes for shard in self.tars.values())

    def of_split(self, split: Split) -> tuple[Shard, ...]:
        return tuple(s for s in self.shards if s.split == split)


def dataset_digest_text(shards: tuple[Shard, ...]) -> str:
    """The canonical text whose SHA-256 is the dataset's digest: content and order of the shards, nothing of where they lie.

    The bytes of an adopted tar do not say which samples belong to the dataset, so its index counts as well.
    """
    return canonical_json([[s.split, s.samples, s.bytes, s.sha256, *([s.index_sha256] if s.adopted else [])] for s in shards])
