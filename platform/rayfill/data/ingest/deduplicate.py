"""What only the whole listing can tell: which photographs are in two parts, and which have relatives on the other side.

Every part is packed without knowing the others. Those that turn out wrong are packed again; the rest are read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rayfill.data.ingest.near_duplicates import group_near_duplicates
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.spec.dataset import IngestSpec, Relatives


@dataclass(frozen=True)
class Settled:
    """`again`: jobs for the parts whose shards are wrong; without any, all is done. `relatives`: None if not looked for."""

    again: list[PackJob]
    relatives: Relatives | None


def deduplicate(jobs: Sequence[PackJob], receipts: Mapping[int, PartManifest], spec: IngestSpec) -> Settled:
    """Compare the receipts of all parts. Of copies the first part keeps its own; relatives go to one split."""
    looks = {
        name: look
        for receipt in receipts.values()
        for (name, _), look in zip(receipt.samples, receipt.looks, strict=False)  # without any look there is no list of them
        if look
    }
    moved, relatives = group_near_duplicates(looks, spec.near_bits, spec.val_share) if spec.near_bits else ({}, None)
    seen: set[str] = set()
    again = []
    for job in jobs:
        receipt = receipts[job.part.number]
        names = {name for name, _ in receipt.samples}
        copies = names & seen
        mine = {name: moved[name] for name in names - copies if name in moved}
        if copies or mine != receipt.moved:
            again.append(replace(job, drop=frozenset(receipt.dropped) | copies, moved=mine))
        seen |= names
    return Settled(again, relatives)
