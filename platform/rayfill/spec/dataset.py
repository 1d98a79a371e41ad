"""Datasets: how photographs are ingested, and the manifest that makes a folder of shards a dataset."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        if self.max_side is not None and self.max_side < self.min_side:
            raise ValueError(f"max_side {self.max_side} would shrink photographs below min_side {self.min_side}")
        return self


class Shard(Strict):
    """One tar file of a dataset. `index` holds each sample's id, offset and length, so that nothing is read to be skipped."""

    path: str
    split: Split
    samples: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256
    index: str
    index_sha256: Sha256


class Rejection(Strict):
    """A photograph that did not enter the dataset, or entered it changed, and why."""

    path: str
    reason: str


class Manifest(Strict):
    """`manifest.json`: written last, so a dataset is either whole or not there."""

    format: Literal["rayfill-dataset-1"]
    dataset_digest: Sha256
    source: str
    spec: IngestSpec
    shards: tuple[Shard, ...]
    samples: dict[Split, int]
    converted: dict[str, int] = Field(description="photographs that were converted, counted by reason (cmyk, 16-bit, ...)")
    skipped: tuple[Rejection, ...]

    def of_split(self, split: Split) -> tuple[Shard, ...]:
        return tuple(s for s in self.shards if s.split == split)


def dataset_digest_text(shards: tuple[Shard, ...]) -> str:
    """The canonical text whose SHA-256 is the dataset's digest: content and order of the shards, nothing of where they lie."""
    return canonical_json([[s.split, s.samples, s.bytes, s.sha256] for s in shards])
