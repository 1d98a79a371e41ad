"""Build a part's manifest while the part is packed or adopted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.plan import Part
from rayfill.data.sample_id import split_of
from rayfill.spec.dataset import IngestSpec, Rejection, Shard, Split


@dataclass(frozen=True)
class PackJob:
    """All that a process anywhere needs to pack one part. `drop`: ids that an earlier part holds. `moved`: ids whose relatives
    lie in another split than their own."""

    source: str
    dataset: str
    spec: IngestSpec
    part: Part
    drop: frozenset[str] = field(default_factory=frozenset)
    moved: Mapping[str, Split] = field(default_factory=dict)


class PartBuilder:
    """The manifest of a part, while it is packed or adopted."""

    def __init__(self, job: PackJob) -> None:
        self._job = job
        self._samples: dict[str, str] = {}
        self._looks: list[str] = []
        self._converted: Counter[str] = Counter()
        self._skipped: list[Rejection] = []

    def holds(self, name: str) -> bool:
        """Whether this photograph is a copy of one that is in the dataset."""
        return name in self._samples or name in self._job.drop

    def skip(self, path: str, reason: str) -> None:
        """A file stays out."""
        self._skipped.append(Rejection(path=path, reason=reason))

    def add(self, name: str, path: str, phash: str, conversions: Iterable[str] = ()) -> Split:
        """A photograph is in, and this is its split."""
        self._samples[name] = path
        self._looks.append(phash)
        self._converted.update(conversions)
        return self._job.moved.get(name) or split_of(name, self._job.spec.val_share)

    def build(self, shards: Iterable[Shard | None]) -> PartManifest:
        """The part's manifest, with what was stored of each split."""
        moved = self._job.moved
        return PartManifest(
            part=self._job.part.number,
            files=self._job.part.digest(),
            samples=tuple(self._samples.items()),
            dropped=tuple(sorted(self._job.drop)),
            looks=tuple(self._looks) if any(self._looks) else (),
            moved={name: moved[name] for name in sorted(moved)},
            shards=tuple(shard for shard in shards if shard),
            converted=dict(sorted(self._converted.items())),
            skipped=tuple(self._skipped),
        )
