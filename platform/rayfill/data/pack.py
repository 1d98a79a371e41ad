"""One part of an ingest: its photographs checked, converted, split, written as shards, and a receipt left for it."""

import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rayfill.data.photo import SUFFIXES, Rejected, prepare
from rayfill.data.plan import Part, printable
from rayfill.data.receipt import Receipt, receipt_key
from rayfill.data.shard_writer import ShardWriter
from rayfill.data.sources import open_source
from rayfill.data.stores import open_store
from rayfill.spec.dataset import IngestSpec, Rejection, Split

ID_DIGITS = 16


@dataclass(frozen=True)
class PackJob:
    """All that a process anywhere needs to pack one part. `drop`: ids that an earlier part holds."""

    source: str
    dataset: str
    spec: IngestSpec
    part: Part
    drop: frozenset[str] = field(default_factory=frozenset)


def sample_id(data: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a photograph's own bytes: a copy has the same id wherever it lies."""
    return hashlib.sha256(data).hexdigest()[:ID_DIGITS]


def split_of(sample: str, val_share: float) -> Split:
    """The split of a sample, from its id alone: a photograph never changes sides when others come or go."""
    return "val" if int(sample, 16) < val_share * 16**ID_DIGITS else "train"


def pack_part(job: PackJob) -> Receipt:
    """Read, check and store the photographs of one part. Packing a part twice writes the same bytes twice.

    InputError if the source or the store cannot be used; a photograph that cannot be is skipped, and the receipt says why.
    """
    source, store = open_source(job.source), open_store(job.dataset)
    packed: dict[str, str] = {}
    converted: Counter[str] = Counter()
    skipped: list[Rejection] = []
    with tempfile.TemporaryDirectory(prefix="rayfill-pack-") as folder:
        writers: dict[Split, ShardWriter] = {s: ShardWriter(Path(folder) / f"{s}.tar") for s in ("train", "val")}
        for file in job.part.files:
            path = printable(file.path)
            if PurePosixPath(file.path).suffix.lower() not in SUFFIXES:
                skipped.append(Rejection(path=path, reason="not-a-photograph"))
                continue
            data = source.read(file)
            name = sample_id(data)
            if name in packed or name in job.drop:
                skipped.append(Rejection(path=path, reason="duplicate"))
                continue
            photo = prepare(data, job.spec)
            if isinstance(photo, Rejected):
                skipped.append(Rejection(path=path, reason=photo.reason))
                continue
            writers[split_of(name, job.spec.val_share)].add(name, photo.jpeg)
            packed[name] = path
            converted.update(photo.conversions)
        shards = [writer.store(store, split, job.part.number) for split, writer in writers.items()]
    receipt = Receipt(
        part=job.part.number,
        files=job.part.digest(),
        samples=tuple(packed.items()),
        dropped=tuple(sorted(job.drop)),
        shards=tuple(shard for shard in shards if shard),
        converted=dict(sorted(converted.items())),
        skipped=tuple(skipped),
    )
    store.write(receipt_key(receipt.part), receipt.model_dump_json().encode())
    return receipt
