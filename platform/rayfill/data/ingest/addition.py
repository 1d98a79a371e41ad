"""Add photographs to a dataset: packed into shards of their own, published as the dataset's next version.

Nothing of the older version is changed: its shards stay, its photographs keep their split, and its manifest is kept under its
digest (`open_dataset` of `photos@DIGEST`). An addition can be killed at any point and run again; the manifest comes last.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from rayfill.cluster.still_working import counted
from rayfill.concurrency.background import map_unordered
from rayfill.data.dataset import MANIFEST, Dataset, digest_of, open_dataset, version_key
from rayfill.data.images.convert import SUFFIXES
from rayfill.data.ingest.deduplicate import Deduplicated
from rayfill.data.ingest.near_duplicates import count_near_duplicates, near_groups
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import AdditionPlan, PartManifest, addition_key, part_manifest_key, read_part_manifests
from rayfill.data.ingest.pipeline import Ingested, RunParts, run_jobs
from rayfill.data.ingest.plan import plan_parts, printable
from rayfill.data.ingest.sources import Source, SourceFile, open_source
from rayfill.data.sample_id import sample_id, split_of
from rayfill.spec.dataset import Addition, IngestSpec, Manifest, NearDuplicates, Shard, Split
from rayfill.spec.errors import InputError
from rayfill.storage.store import AlreadyExists, Store

READERS = 8
"""Threads that read a source to see what is new in it."""


def add(source: str, dataset: str, given: Mapping[str, object], run_parts: RunParts) -> Ingested:
    """Add to the dataset at URL `dataset` the photographs of a source that it does not have.

    Args:
        source: as for `ingest`; it may be the dataset's own, grown since.
        dataset: where the dataset lies.
        given: options of IngestSpec that were asked for; they must be the dataset's own.
        run_parts: a parallel map.

    Returns:
        The newest manifest; `made` is False where the source holds nothing new.

    Raises:
        InputError: there is no such dataset, its shards are adopted, an option differs, another addition is half done, or the
            source cannot be used.
    """
    base = open_dataset(dataset)
    _check(base, given)
    origin, store, spec = open_source(source), base.store, base.manifest.spec
    old = _parts_of(base)
    existing = {name: shard.split for shard in base.manifest.shards for name in base.reader.index(shard).ids.tolist()}
    first = 1 + max((part_manifest.part for part_manifest in old), default=-1)
    files = _new_files(origin, existing, base.manifest)
    if not files:
        return Ingested(base.manifest, made=False)
    _claim(store, len(base.manifest.additions), AdditionPlan(
        format="rayfill-addition-1", source=origin.url, base=base.digest, first_part=first
    ))  # fmt: skip
    parts = [replace(part, number=first + part.number) for part in plan_parts(files, max(1, int(spec.shard_mib * 2**20)))]
    jobs = [PackJob(origin.url, store.url, spec, part) for part in parts]
    packed = _begun(store, jobs, first)
    run_jobs([job for job in jobs if job.part.number not in packed], packed, run_parts)
    while (deduplicated := _deduplicate_addition(jobs, packed, old, existing, spec)).again:
        run_jobs(deduplicated.again, packed, run_parts)
    return _publish(base, origin, [packed[job.part.number] for job in jobs], deduplicated.near_duplicates, first)


def _check(base: Dataset, given: Mapping[str, object]) -> None:
    if base.manifest.spec.adopt:
        raise InputError(f"{base.store.url}: its shards are adopted; ingest the grown prefix under another name")
    spec = base.manifest.spec.model_dump()
    for name, value in given.items():
        if spec[name] != value:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option}: this dataset was made with {spec[name]}; what is added is made alike, leave it out")


def _parts_of(base: Dataset) -> list[PartManifest]:
    """Of the parts that this version is made of; an addition that was given up leaves others."""
    mine = set(base.manifest.shards)
    return [part_manifest for part_manifest in read_part_manifests(base.store) if mine.issuperset(part_manifest.shards)]


def _new_files(origin: Source, existing: Mapping[str, Split], manifest: Manifest) -> list[SourceFile]:
    """The source's files whose content the dataset does not have, in the source's order. Each is read."""
    sources = {manifest.source, *(addition.source for addition in manifest.additions)}
    skipped = {rejection.path for rejection in manifest.skipped} if origin.url in sources else set()
    listing = [
        file for file in counted(origin.files(), "listing", "files")
        if printable(file.path) not in skipped
    ]  # fmt: skip
    photographs = {at: file for at, file in enumerate(listing) if PurePosixPath(file.path).suffix.lower() in SUFFIXES}
    jobs = {at: partial(_id_of, origin, file) for at, file in photographs.items()}
    found = counted(map_unordered(jobs, READERS), "comparing", "files", len(jobs))
    have = {at for at, name in found if name in existing}
    new = [file for at, file in enumerate(listing) if at not in have]
    return new if any(at in photographs and at not in have for at in range(len(listing))) else []


def _id_of(origin: Source, file: SourceFile) -> str:
    return sample_id(origin.read(file))


def _claim(store: Store, number: int, plan: AdditionPlan) -> None:
    key = addition_key(number)
    try:
        store.write(key, plan.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        found = AdditionPlan.model_validate_json(store.read(key))
        if found != plan:
            raise InputError(
                f"{store.url}: an addition from {found.source} is half done; finish it with 'rayfill ingest --add', "
                f"or delete {store.url_of(key)} to give it up"
            ) from None


def _begun(store: Store, jobs: Sequence[PackJob], first: int) -> dict[int, PartManifest]:
    """The part manifests of an earlier, killed run of this addition; what no longer fits the listing goes."""
    digests = {job.part.number: job.part.digest() for job in jobs}
    found: dict[int, PartManifest] = {}
    for part_manifest in [part_manifest for part_manifest in read_part_manifests(store) if part_manifest.part >= first]:
        if digests.get(part_manifest.part) == part_manifest.files:
            found[part_manifest.part] = part_manifest
            continue
        store.delete(part_manifest_key(part_manifest.part))
        for shard in part_manifest.shards:
            store.delete(shard.path)
            store.delete(shard.index)
    return found


def _deduplicate_addition(
    jobs: Sequence[PackJob],
    packed: Mapping[int, PartManifest],
    old: Sequence[PartManifest],
    existing: Mapping[str, Split],
    spec: IngestSpec,
) -> Deduplicated:
    """As `deduplicate`, but old photographs stay where they are: new ones join the split of those that look like them.

    A new photograph that looks like old ones of both splits is left out, as if it were a copy.
    """
    moved: dict[str, Split] = {}
    between: set[str] = set()
    near_duplicates = None
    if spec.near_bits:
        phashes = {
            name: phash
            for part_manifest in (*old, *packed.values())
            for (name, _), phash in zip(
                part_manifest.samples, part_manifest.looks, strict=False
            )  # empty where no hashes were taken
            if phash
        }
        groups = near_groups(phashes, spec.near_bits)
        for group in groups:
            new = [name for name in group if name not in existing]
            splits = {existing[name] for name in group if name in existing}
            if len(splits) > 1:
                between.update(new)
                continue
            split = splits.pop() if splits else split_of(min(group, key=lambda name: name[::-1]), spec.val_share)
            moved |= {name: split for name in new if split_of(name, spec.val_share) != split}
        before = sum(len(part_manifest.moved) for part_manifest in old)
        near_duplicates = count_near_duplicates(groups, before + len(moved))
    seen = set(existing) | between
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


def _publish(
    base: Dataset, origin: Source, packed: Sequence[PartManifest], near_duplicates: NearDuplicates | None, first: int
) -> Ingested:
    """Keep the older manifest under its digest, then put the new one in its place."""
    before = base.manifest
    new = [shard for part_manifest in packed for shard in part_manifest.shards]
    added = sum(shard.samples for shard in new)
    if not added:
        reasons = Counter(rejection.reason for part_manifest in packed for rejection in part_manifest.skipped)
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise InputError(f"{origin.url}: none of its new files can be used: {listed}")
    shards: tuple[Shard, ...] = tuple(
        shard for split in ("train", "val") for shard in (*before.of_split(split), *(s for s in new if s.split == split))
    )
    converted = Counter(before.converted)
    for part_manifest in packed:
        converted.update(part_manifest.converted)
    skipped = tuple(rejection for part_manifest in packed for rejection in part_manifest.skipped)
    manifest = before.model_copy(
        update={
            "dataset_digest": digest_of(shards),
            "shards": shards,
            "samples": {split: sum(s.samples for s in shards if s.split == split) for split in ("train", "val")},
            "converted": dict(sorted(converted.items())),
            "skipped": (*before.skipped, *skipped),
            "relatives": near_duplicates,
            "additions": (
                *before.additions,
                Addition(source=origin.url, base=base.digest, samples=added, first_part=first),
            ),
        }
    )
    base.store.write(version_key(base.digest), before.model_dump_json(indent=1).encode())
    base.store.write(MANIFEST, manifest.model_dump_json(indent=1).encode())
    return Ingested(manifest, made=True)
