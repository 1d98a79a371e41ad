"""Ingest: photographs a second and core against the bare work on the same ones, and what a million files cost in memory.

    python -m benchmarks.ingest
    python -m benchmarks.ingest --files 5000000 --photographs 2000

First a part of photographs is packed in one process: as they are, against decoding each once, which is the least that checking
them takes; and shrunk, against decoding, shrinking and encoding in memory with the quickest libraries at hand. Ingest adds
reading, hashing, the perceptual hash, the shard and its digest. The two alternate and each round is compared with its
neighbour; medians are shown. Then a listing is planned, packed in name only and deduplicated, as the process that leads an
ingest does.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from benchmarks.photographs import make_photographs
from rayfill.data.images.perceptual_hash import GRID, perceptual_hash
from rayfill.data.ingest.deduplicate import deduplicate
from rayfill.data.ingest.pack import pack_part
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.plan import Part, plan_parts
from rayfill.data.ingest.sources import SourceFile, open_source
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.locations import as_url

SHRUNK = 128
"""Shorter side to which photographs are shrunk, in pixels."""

ROUNDS = 5
FILE_BYTES = 150_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=512, help="that are packed (default: %(default)s)")
    parser.add_argument("--files", type=int, default=1_000_000, help="of the generated listing (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    row = packing(args.photographs) | leading(args.files)
    print("\n".join(f"{name:44} {value}" for name, value in row.items()))
    if args.json:
        print(json.dumps({"benchmark": "ingest", **row}))


def packing(count: int) -> dict[str, float]:
    """Photographs a second on one core."""
    row: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="rayfill-ingest-") as folder:
        source = Path(folder) / "photographs"
        make_photographs(source, count)
        jpegs = [path.read_bytes() for path in sorted(source.iterdir())]
        files = tuple(open_source(str(source)).files())
        ways: list[tuple[str, IngestSpec, Callable[[bytes], object]]] = [
            ("as they are", IngestSpec(), lambda jpeg: simplejpeg.decode_jpeg(jpeg, strict=True)),
            ("shrunk", IngestSpec(max_side=SHRUNK), _shrink),
        ]
        for name, spec, bare in ways:
            job = PackJob(as_url(source), as_url(Path(folder) / name.replace(" ", "-")), spec, Part(0, files))
            ours, limit = [], []
            for _ in range(ROUNDS):
                ours.append(_seconds(partial(pack_part, job)))
                limit.append(_seconds(partial(_each, bare, jpegs)))
            row[f"{name}: ingest, images/s a core"] = round(count / statistics.median(ours), 1)
            row[f"{name}: bare work, images/s a core"] = round(count / statistics.median(limit), 1)
            row[f"{name}: ingest / bare work"] = round(statistics.median(b / o for o, b in zip(ours, limit, strict=True)), 3)
    return row


def _each(bare: Callable[[bytes], object], jpegs: list[bytes]) -> None:
    for jpeg in jpegs:
        bare(jpeg)


def _shrink(jpeg: bytes) -> bytes:
    pixels = simplejpeg.decode_jpeg(jpeg, "RGB", min_height=SHRUNK, min_width=SHRUNK)
    height, width = pixels.shape[:2]
    scale = SHRUNK / min(height, width)
    small = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    encoded: bytes = simplejpeg.encode_jpeg(small, quality=IngestSpec().quality, colorspace="RGB", colorsubsampling="444")
    return encoded


def leading(count: int) -> dict[str, float]:
    """Memory and time of the process that leads an ingest of `count` files, without reading one."""
    begin = _resident()
    parts = list(plan_parts(_listing(count), int(IngestSpec().shard_mib * 2**20)))
    planned = _resident()
    packed = {part.number: _part_manifest(part) for part in parts}
    gathered = _resident()
    spec = IngestSpec()
    jobs = [PackJob("file:///source", "file:///dataset", spec, part) for part in parts]
    seconds = _seconds(lambda: deduplicate(jobs, packed, spec))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "files of the listing": count,
        "plan, bytes a file": round((planned - begin) / count),
        "part manifests, bytes a file": round((gathered - planned) / count),
        "peak, bytes a file": round((peak - begin) / count),
        "near-duplicates looked for, s": round(seconds, 1),
    }


def _listing(count: int) -> Iterator[SourceFile]:
    return (SourceFile(f"{n // 1000:06d}/photograph-{n:09d}.jpg", FILE_BYTES) for n in range(count))


def _part_manifest(part: Part) -> PartManifest:
    """As if the part had been packed, read back from JSON as after a task."""
    rng = np.random.default_rng(part.number)
    ids = rng.integers(2**63, size=len(part.files), dtype=np.uint64).tolist()
    names = [(f"{name:016x}", file.path) for name, file in zip(ids, part.files, strict=True)]
    part_manifest = PartManifest(
        part=part.number, files=part.digest(), samples=tuple(names), looks=_phashes(rng, len(names)),
        dropped=(), shards=(), converted={}, skipped=(),
    )  # fmt: skip
    return PartManifest.model_validate_json(part_manifest.model_dump_json())


def _phashes(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Looks of blurred pictures, 4 x 4 colours grown to full size: they share hashes far more often than photographs do."""
    coarse = rng.integers(0, 256, (count, 4, 4, 3), np.uint8)
    return tuple(perceptual_hash(cv2.resize(picture, (GRID, GRID), interpolation=cv2.INTER_LINEAR)) for picture in coarse)


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
