"""Find copies and near-duplicates across parts, once all parts are packed.

Every part is packed without knowing the others. Those that turn out wrong are packed again; the rest are read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rayfill.data.ingest.near_duplicates import group_near_duplicates
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.spec.dataset import IngestSpec, Relatives


@dataclass(frozen=True)
class Deduplicated:
    """`again`: jobs for the parts whose shards are wrong; without any, all is done. `relatives`: None if not looked for."""

    again: list[PackJob]
    relatives: Relatives | None


def deduplicate(jobs: Sequence[PackJob], packed: Mapping[int, PartManifest], spec: IngestSpec) -> Deduplicated:
    """Compare the manifests of all parts. Of copies the first part keeps its own; relatives go to one split."""
    looks = {
        name: phash
        for part_manifest in packed.values()
        for (name, _), phash in zip(
            part_manifest.samples, part_manifest.looks, strict=False
        )  # empty where no hashes were taken
        if phash
    }
    moved, relatives = group_near_duplicates(looks, spec.near_bits, spec.val_share) if spec.near_bits else ({}, None)
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
    return Deduplicated(again, relatives)
