"""Ingest photographs into a dataset. Resumable after a kill at any point; the manifest is written last.

Duplicates are byte-identical files; near-duplicates look alike (near_duplicates.py). Within a part the packer drops duplicates.
Once every part is packed, those that hold a photograph of an earlier part, or one whose near-duplicates lie in the other split,
are packed again. So the source is read once, and a second time only where there are such photographs, and the dataset depends
on the listing alone, not on which worker was faster. Adopting differs in one step: a shard that others wrote is only indexed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pydantic import ValidationError
from tqdm import tqdm

from rayfill.cluster.still_working import counted, still_working
from rayfill.data.dataset import MANIFEST, digest_of
from rayfill.data.ingest.adopt import adopt_part
from rayfill.data.ingest.deduplicate import deduplicate
from rayfill.data.ingest.pack import pack_part
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import (
    PLAN,
    AdditionPlan,
    PartManifest,
    Plan,
    addition_key,
    part_manifest_key,
)
from rayfill.data.ingest.plan import Part, plan_parts, plan_shards
from rayfill.data.ingest.sources import Source, StoreSource, open_source
from rayfill.spec.dataset import IngestSpec, Manifest, NearDuplicates
from rayfill.spec.errors import InputError
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists, Store

RunParts = Callable[[Callable[[PackJob], PartManifest], Sequence[PackJob]], Iterable[PartManifest]]
"""A parallel map: applies the function to every job, anywhere and in any order, and yields the results as they come."""


@dataclass(frozen=True)
class Ingested:
    """The dataset's manifest, and whether this call made it or found it whole already."""

    manifest: Manifest
    made: bool


def run_inline(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
    """A `RunParts` that works in this process, one part after another."""
    return map(pack, jobs)


def ingest(source: str, dataset: str, spec: IngestSpec, run_parts: RunParts) -> Ingested:
    """Make the dataset at URL `dataset`, or finish one that was begun from the same source with the same spec.

    Raises:
        InputError: there is nothing to ingest, the place holds another dataset, or one of the two cannot be used.
    """
    origin, store = open_source(source), open_store(dataset)
    parts = _plan(source, origin, spec)
    _claim(store, Plan(format="rayfill-ingest-1", source=origin.url, spec=spec))
    packed = _finished(store, parts)
    jobs = [PackJob(origin.url, store.url, spec, part) for part in parts]
    todo = [job for job in jobs if job.part.number not in packed]
    if store.exists(MANIFEST):
        if todo:
            raise _occupied(store)
        return Ingested(Manifest.model_validate_json(store.read(MANIFEST)), made=False)
    run_jobs(todo, packed, run_parts)
    # Also a run that found every part packed: the one before it may have been killed while it packed some again.
    while (deduplicated := deduplicate(jobs, packed, spec)).again:
        run_jobs(deduplicated.again, packed, run_parts)
    return _publish(
        store, _manifest(origin.url, store.url, spec, [packed[p.number] for p in parts], deduplicated.near_duplicates)
    )


def _plan(source: str, origin: Source, spec: IngestSpec) -> list[Part]:
    listing = counted(origin.files(), "listing", "files")
    if not spec.adopt:
        parts = list(plan_parts(listing, max(1, int(spec.shard_mib * 2**20))))
        what = "files; a source is a folder, a tar file or an s3:// prefix of photographs"
    elif isinstance(origin, StoreSource):
        parts = list(plan_shards(listing))
        what = ".tar files; what is adopted is a folder or an s3:// prefix of WebDataset shards"
    else:
        raise InputError(f"{source}: one file; what is adopted is a folder or an s3:// prefix of WebDataset shards")
    if not parts:
        raise InputError(f"{source}: holds no {what}")
    return parts


def run_jobs(todo: Sequence[PackJob], packed: dict[int, PartManifest], run_parts: RunParts) -> None:
    """Pack or adopt, with a progress bar, and put the part manifests with the others."""
    if not todo:
        return
    adopt = todo[0].spec.adopt
    files = {job.part.number: len(job.part.files) for job in todo}
    unit = " shards" if adopt else " photos"
    done = 0
    with ExitStack() as shown:
        progress = shown.enter_context(tqdm(total=sum(files.values()), desc="ingest", unit=unit, disable=None))
        if progress.disable:  # no terminal: a line now and then instead of a bar
            shown.enter_context(still_working("ingest", lambda: f"{done:,} of {sum(files.values()):,}{unit}"))
        for part_manifest in run_parts(adopt_part if adopt else pack_part, todo):
            packed[part_manifest.part] = part_manifest
            done += files[part_manifest.part]
            progress.update(files[part_manifest.part])


def _claim(store: Store, plan: Plan) -> None:
    if store.exists(MANIFEST) and not store.exists(PLAN):
        raise _occupied(store)
    try:
        store.write(PLAN, plan.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        try:
            found = Plan.model_validate_json(store.read(PLAN))
        except ValidationError:
            raise InputError(f"{store.url_of(PLAN)}: not the plan of an ingest; give the dataset another name") from None
        if found != plan:
            was = f"from {found.source}" if found.source != plan.source else f"with {_other(found.spec, plan.spec)}"
            state = "holds a dataset" if store.exists(MANIFEST) else "holds a half-made dataset"
            raise InputError(f"{store.url}: {state} that was made {was}; give another name") from None


def _other(found: IngestSpec, asked: IngestSpec) -> str:
    """The options in which a dataset differs from what is asked for now."""
    was, now = found.model_dump(), asked.model_dump()
    return "other options: " + ", ".join(f"{name} {was[name]}, not {now[name]}" for name in was if was[name] != now[name])


def _finished(store: Store, parts: Sequence[Part]) -> dict[int, PartManifest]:
    """The part manifests of an earlier, killed run."""
    keys = {entry.key for entry in store.list("parts/")} - {PLAN}
    if addition_key(0) in keys:
        first = AdditionPlan.model_validate_json(store.read(addition_key(0))).first_part
        keys = {key for key in keys if key < part_manifest_key(first)}  # what was added later is not of this source
    foreign = keys - {part_manifest_key(part.number) for part in parts}
    found: dict[int, PartManifest] = {}
    for part in parts:
        key = part_manifest_key(part.number)
        if key in keys:
            part_manifest = PartManifest.model_validate_json(store.read(key))
            if part_manifest.files != part.digest():
                foreign.add(key)
            found[part.number] = part_manifest
    if foreign:
        raise InputError(
            f"{store.url}: its source has changed since this dataset was begun; --add adds what is new, or give another name"
        )
    return found


def _occupied(store: Store) -> InputError:
    return InputError(f"{store.url}: holds a dataset already, and a dataset is never overwritten; give another name")


def _manifest(
    source: str, place: str, spec: IngestSpec, packed: Sequence[PartManifest], near_duplicates: NearDuplicates | None
) -> Manifest:
    shards = tuple(s for split in ("train", "val") for r in packed for s in r.shards if s.split == split)
    skipped = tuple(rejection for r in packed for rejection in r.skipped)
    if not shards:
        reasons = ", ".join(f"{n} {reason}" for reason, n in Counter(r.reason for r in skipped).most_common())
        raise InputError(f"{source}: none of its {len(skipped)} files can be used: {reasons}")
    converted: Counter[str] = Counter()
    for part_manifest in packed:
        converted.update(part_manifest.converted)
    return Manifest(
        format="rayfill-dataset-1",
        dataset_digest=digest_of(shards),
        source=source,
        spec=spec,
        shards_at=source if spec.adopt and source != place else None,
        shards=shards,
        samples={split: sum(s.samples for s in shards if s.split == split) for split in ("train", "val")},
        converted=dict(sorted(converted.items())),
        skipped=skipped,
        relatives=near_duplicates,
    )


def _publish(store: Store, manifest: Manifest) -> Ingested:
    """Write the manifest, unless another run of the same ingest just did."""
    data = manifest.model_dump_json(indent=1).encode()
    try:
        store.write(MANIFEST, data, if_absent=True)
    except AlreadyExists:
        if Manifest.model_validate_json(store.read(MANIFEST)) != manifest:
            raise _occupied(store) from None
        return Ingested(manifest, made=False)
    return Ingested(manifest, made=True)
