"""Index a WebDataset shard that others wrote, where it lies. Nothing of it is copied or changed.

WebDataset's layout as img2dataset writes it: `key.jpg`, `.png` or `.webp`, with any other files of the same key beside it.
"""

import io
import re
import tarfile
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from rayfill.data.augment import Augmentation
from rayfill.data.images.convert import MAX_PIXELS, Rejected
from rayfill.data.images.decode import decode_square
from rayfill.data.images.perceptual_hash import GRID, perceptual_hash
from rayfill.data.images.untrusted import FORMATS
from rayfill.data.ingest.part_builder import PackJob, PartBuilder
from rayfill.data.ingest.part_manifest import PartManifest, part_manifest_key
from rayfill.data.ingest.plan import printable
from rayfill.data.sample_id import sample_id
from rayfill.data.shards.index import Entry
from rayfill.data.shards.writer import store_index
from rayfill.spec.dataset import IngestSpec, Split
from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Images
from rayfill.storage.local import LocalStore
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound, Store

_MEMBER = re.compile(r"((?:.*/)?[^/.]+)\.(?:jpe?g|png|webp)", re.IGNORECASE)  # WebDataset: a key ends at the first dot
_SQUARE, _WHOLE = Images(size=GRID, resize="squash", flip=False), Augmentation(0.0, 0.0, mirrored=False)


def adopt_part(job: PackJob) -> PartManifest:
    """Check the pictures of one shard and store an index of each split's. InputError if the source or the store cannot be used.

    Left out are pictures that a training could not decode ('unreadable'), are too small or too large ('tiny', 'too-large'),
    copies ('duplicate') and all but the first of one key ('second-picture'); and a whole shard whose tar is cut short
    ('damaged-shard').
    """
    (shard,) = job.part.files
    store = open_store(job.dataset)
    with _as_file(open_store(job.source), shard.path) as file:
        builder = PartBuilder(job)
        entries: dict[Split, list[Entry]] = {"train": [], "val": []}
        try:
            _read(file, job.spec, printable(shard.path), builder, entries)
        except tarfile.TarError:
            builder, entries = PartBuilder(job), {"train": [], "val": []}
            builder.skip(printable(shard.path), "damaged-shard")
        number = job.part.number
        part_manifest = builder.build(
            [store_index(store, split, number, found, shard.path, file, adopted=True) for split, found in entries.items()]
        )
    store.write(part_manifest_key(part_manifest.part), part_manifest.model_dump_json().encode())
    return part_manifest


def _read(file: Path, spec: IngestSpec, shard: str, builder: PartBuilder, entries: dict[Split, list[Entry]]) -> None:
    keys: set[str] = set()
    with file.open("rb") as data, tarfile.open(file, "r:") as tar:
        for member in tar:
            match = _MEMBER.fullmatch(member.name)
            if not member.isfile() or match is None:
                continue
            path = f"{shard}/{printable(member.name)}"
            if match[1] in keys:
                builder.skip(path, "second-picture")
                continue
            keys.add(match[1])
            data.seek(member.offset_data)
            picture = data.read(member.size)
            name = sample_id(picture)
            if builder.holds(name):
                builder.skip(path, "duplicate")
                continue
            phash = _checked(picture, spec)
            if isinstance(phash, Rejected):
                builder.skip(path, phash.reason)
                continue
            entries[builder.add(name, path, phash)].append((name, member.offset_data, member.size))


def _checked(picture: bytes, spec: IngestSpec) -> str | Rejected:
    """The perceptual hash of a picture that a training can use."""
    square = np.empty((GRID, GRID, 3), np.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes and metadata; both are dealt with here
            width, height = Image.open(io.BytesIO(picture), formats=FORMATS).size
        if min(width, height) < spec.min_side:
            return Rejected("tiny")
        if width * height > MAX_PIXELS:
            return Rejected("too-large")
        decode_square(picture, _SQUARE, _WHOLE, square)
    except Image.DecompressionBombError:
        return Rejected("too-large")
    except Exception:
        # Parsers raise whatever a malformed file makes them stumble over: SyntaxError, struct.error, MemoryError, ...
        return Rejected("unreadable")
    return perceptual_hash(square) if spec.near_bits else ""


@contextmanager
def _as_file(source: Store, key: str) -> Iterator[Path]:
    """The shard as a file: the very one of a folder, else a copy for the length of the block."""
    try:
        if isinstance(source, LocalStore):
            yield source.path_of(key)
            return
        with tempfile.TemporaryDirectory(prefix="rayfill-adopt-") as folder:
            source.download(key, Path(folder) / "shard.tar")
            yield Path(folder) / "shard.tar"
    except (NotFound, FileNotFoundError):
        raise InputError(f"{source.url}: '{key}' was listed but cannot be found from this machine") from None
