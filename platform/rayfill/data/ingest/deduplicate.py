"""Find copies and near-duplicates across parts, once all parts are packed.

Every part is packed without knowing the others. Those that turn out wrong are packed again; the rest are read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rayfill.data.ingest.near_duplicates import group_near_duplicates
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.spec.dataset import IngestSpec, NearDuplicates


@dataclass(frozen=True)
class Deduplicated:
    """Result of comparing all parts.

    Attributes:
        again: jobs for the parts whose shards must be packed again; empty when ingest is done.
        near_duplicates: groups found; None if near-duplicates were not looked for.
    """

    again: list[PackJob]
    near_duplicates: NearDuplicates | None


def deduplicate(jobs: Sequence[PackJob], packed: Mapping[int, PartManifest], spec: IngestSpec) -> Deduplicated:
    """Compare the manifests of all parts. Of copies the first part keeps its own; near-duplicates go to one split."""
    phashes = {
        name: phash
        for part_manifest in packed.values()
        for (name, _), phash in zip(
            part_manifest.samples, part_manifest.looks, strict=False
        )  # empty where no hashes were taken
        if phash
    }
    moved, near_duplicates = group_near_duplicates(phashes, spec.near_bits, spec.val_share) if spec.near_bits else ({}, None)
    seen: set[str] = set()
    again = []
    for job in jobs:
        part_manifest = packed[job.part.number]
        names = {name for name, _ in part_manifest.samples}
        copies = names & seen
        mine = {name: moved[name] for name in names - copies if name in moved}
        if copies or mine != part_manifest.moved:
            again.append(replace(job, drop=frozenset(part_manifest.dropped) | copies, moved=mine))
        seen |= names
    return Deduplicated(again, near_duplicates)
