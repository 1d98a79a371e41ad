"""Mask sets on disk: one WebDataset shard of PNGs a bucket and, written last, `maskset.json` with their digests."""

import hashlib
import io
import tarfile
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError
from webdataset import TarWriter

from rayfill.masks.mask_set import MaskSet, decode_mask, encode_mask, generate_mask_set
from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.errors import InputError
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.masks import MaskSetSpec
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists, NotFound, Store

MANIFEST = "maskset.json"


class MaskShard(Spec):
    """The masks of one bucket: a tar of `<number>.png` in order."""

    path: str
    bucket: str
    masks: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256


class MaskSetManifest(Spec):
    """`maskset.json`: what the set is, what it was made from, and what its files must be."""

    format: Literal["rayfill-maskset-1"]
    set_digest: Sha256
    spec: MaskSetSpec
    shards: tuple[MaskShard, ...]


def make_mask_set(spec: MaskSetSpec, url: str) -> MaskSet:
    """Draw a set and write it under `url`. The manifest comes last, so a set is whole or not there.

    Raises:
        InputError: the family cannot fill a bucket, or another set is at `url` already.
    """
    made = generate_mask_set(spec)
    store = open_store(url)
    shards = []
    for number, bucket in enumerate(made.bits):
        data = _pack(made, bucket)
        digest = hashlib.sha256(data).hexdigest()
        path = f"masks-{number}-{digest[:12]}.tar"  # a concurrent writer of another set writes other files
        store.write(path, data)
        shards.append(MaskShard(path=path, bucket=bucket, masks=spec.per_bucket, bytes=len(data), sha256=digest))
    manifest = MaskSetManifest(format="rayfill-maskset-1", set_digest=made.digest, spec=spec, shards=tuple(shards))
    try:
        store.write(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n", if_absent=True)
    except AlreadyExists:
        return _of_spec(load_mask_set(url), spec, url)
    return made


def load_mask_set(url: str) -> MaskSet:
    """Read a set and check every byte of it; InputError names the file that is missing or altered."""
    store = open_store(url)
    try:
        manifest = MaskSetManifest.model_validate_json(store.read(MANIFEST))
    except NotFound:
        raise InputError(f"{url}: not a mask set, it has no {MANIFEST}") from None
    except ValidationError as error:
        raise InputError(f"{store.url_of(MANIFEST)}: {first_problem(error, MaskSetManifest)}") from None
    wanted = list(manifest.spec.buckets)
    if [shard.bucket for shard in manifest.shards] != wanted:
        raise InputError(f"{store.url_of(MANIFEST)}: shards: must be one for each of the buckets {', '.join(wanted)}")
    loaded = MaskSet(manifest.spec, {shard.bucket: _unpack(store, shard, manifest.spec) for shard in manifest.shards})
    if loaded.digest != manifest.set_digest:
        raise InputError(f"{store.url_of(MANIFEST)}: set_digest: not that of the spec and the masks; the file was altered")
    return loaded


def open_or_make_mask_set(spec: MaskSetSpec, url: str) -> MaskSet:
    """The set at `url`, made now if there is none; InputError if the set there was made from another spec."""
    if open_store(url).exists(MANIFEST):
        return _of_spec(load_mask_set(url), spec, url)
    return make_mask_set(spec, url)


def _of_spec(found: MaskSet, spec: MaskSetSpec, url: str) -> MaskSet:
    if found.spec == spec:
        return found
    ours, theirs = spec.model_dump(), found.spec.model_dump()
    key = next(key for key in ours if ours[key] != theirs[key])
    raise InputError(
        f"{url}: mask set '{spec.name}' exists with {key} {theirs[key]!r}, not {ours[key]!r}; give the new set another name"
    )


def _pack(masks: MaskSet, bucket: str) -> bytes:
    buffer = io.BytesIO()
    # The mtime is fixed so that the same masks give the same bytes.
    with TarWriter(buffer, encoder=False, mtime=0, user="rayfill", group="rayfill") as writer:
        for number, mask in enumerate(masks.masks(bucket)):
            writer.write({"__key__": f"{number:06d}", "png": encode_mask(mask)})
    return buffer.getvalue()


def _unpack(store: Store, shard: MaskShard, spec: MaskSetSpec) -> npt.NDArray[np.uint8]:
    url = store.url_of(shard.path)
    try:
        data = store.read(shard.path)
    except NotFound:
        raise InputError(f"{url}: the mask set's manifest lists this file, but it is not there") from None
    if hashlib.sha256(data).hexdigest() != shard.sha256:
        raise InputError(f"{url}: its SHA-256 is not the one in {MANIFEST}; the file was altered or cut short")
    rows = []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            mask = decode_mask(file.read()) if file else None
            if mask is None or mask.shape != (spec.size, spec.size):
                raise InputError(f"{url}: {member.name}: not a PNG of {spec.size}x{spec.size} pixels")
            rows.append(np.packbits(mask))
    if len(rows) != spec.per_bucket:
        raise InputError(f"{url}: holds {len(rows)} masks, the spec in {MANIFEST} says {spec.per_bucket}")
    return np.stack(rows)
