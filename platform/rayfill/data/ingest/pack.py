"""Pack one part of an ingest: check, convert and split its photographs, write shards and a part manifest."""

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

    InputError if the source or the store cannot be used; a photograph that cannot be decoded is skipped, and the part's
    manifest says why.
    """
    source, store = open_source(job.source), open_store(job.dataset)
    builder = PartBuilder(job)
    with tempfile.TemporaryDirectory(prefix="rayfill-pack-") as folder:
        writers: dict[Split, ShardWriter] = {s: ShardWriter(Path(folder) / f"{s}.tar") for s in ("train", "val")}
        for file in job.part.files:
            path = printable(file.path)
            if PurePosixPath(file.path).suffix.lower() not in SUFFIXES:
                builder.skip(path, "not-a-photograph")
                continue
            data = source.read(file)
            name = sample_id(data)
            if builder.holds(name):
                builder.skip(path, "duplicate")
                continue
            photo = prepare(data, job.spec)
            if isinstance(photo, Rejected):
                builder.skip(path, photo.reason)
                continue
            writers[builder.add(name, path, photo.phash, photo.conversions)].add(name, photo.jpeg)
        part_manifest = builder.build([writer.store(store, split, job.part.number) for split, writer in writers.items()])
    store.write(part_manifest_key(part_manifest.part), part_manifest.model_dump_json().encode())
    return part_manifest
