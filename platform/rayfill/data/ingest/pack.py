"""One part of an ingest: its photographs checked, converted, split, written as shards, and a receipt left for it."""

import tempfile
from pathlib import Path, PurePosixPath

from rayfill.data.images.convert import SUFFIXES, Rejected, prepare
from rayfill.data.ingest.part_builder import PackJob, PartBuilder
from rayfill.data.ingest.part_manifest import PartManifest, part_manifest_key
from rayfill.data.ingest.plan import printable
from rayfill.data.ingest.sources import open_source
from rayfill.data.sample_id import sample_id
from rayfill.data.shards.writer import ShardWriter
from rayfill.spec.dataset import Split
from rayfill.storage.open_store import open_store


def pack_part(job: PackJob) -> PartManifest:
    """Read, check and store the photographs of one part. Packing a part twice writes the same bytes twice.

    InputError if the source or the store cannot be used; a photograph that cannot be is skipped, and the receipt says why.
    """
    source, store = open_source(job.source), open_store(job.dataset)
    ledger = PartBuilder(job)
    with tempfile.TemporaryDirectory(prefix="rayfill-pack-") as folder:
        writers: dict[Split, ShardWriter] = {s: ShardWriter(Path(folder) / f"{s}.tar") for s in ("train", "val")}
        for file in job.part.files:
            path = printable(file.path)
            if PurePosixPath(file.path).suffix.lower() not in SUFFIXES:
                ledger.skip(path, "not-a-photograph")
                continue
            data = source.read(file)
            name = sample_id(data)
            if ledger.holds(name):
                ledger.skip(path, "duplicate")
                continue
            photo = prepare(data, job.spec)
            if isinstance(photo, Rejected):
                ledger.skip(path, photo.reason)
                continue
            writers[ledger.add(name, path, photo.look, photo.conversions)].add(name, photo.jpeg)
        receipt = ledger.receipt([writer.store(store, split, job.part.number) for split, writer in writers.items()])
    store.write(part_manifest_key(receipt.part), receipt.model_dump_json().encode())
    return receipt
