"""Loaders side by side, each in a process of its own: images/s, first batch, resume and memory, beside a bare loop.

    python -m benchmarks.loader                               the loader and the bare loop, synthetic photographs that it makes
    python -m benchmarks.loader --data DATASET                the training split of an ingested dataset
    make bench-loader DATA=DATASET                            all peers, local and S3, written into docs/performance.md
    infra/s3-store.sh python -m benchmarks.loader --peers --s3 --data DATASET

Each round opens a new loader of every contestant, takes its first batch, some to come into its stride, and the timed ones; then
another one that resumes in the middle of the epoch. Over S3 it starts with an empty cache and goes through one epoch first.
Contestants alternate, and ratios are taken round by round: a machine whose speed drifts slows all alike. Medians are shown.
Every peer is measured twice: decoding as its documentation does, and with the loader's own decoder in its place, which leaves
only the loaders to differ. Peers that are not in the lock are installed by `make bench-loader`.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.loader.child import CONTESTANTS
from benchmarks.loader.contestant import BATCH, SPLIT
from benchmarks.loader.match import BARE, DOCUMENTED, OURS, Match, Plan
from benchmarks.loader.store import bucket
from benchmarks.loader.table import as_markdown, numbers
from benchmarks.page import rewrite
from benchmarks.photographs import make_photographs
from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec

SYNTHETIC = 512
WARM = 20
"""More than most contestants hold ready: PREFETCH for each of the workers, and what they are about to give."""


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DATASET", help=f"path or URL (default: {SYNTHETIC} synthetic photographs)")
    parser.add_argument("--peers", nargs="*", choices=list(CONTESTANTS)[2:], help="which; all if none is named")
    parser.add_argument(
        "--decoders", nargs="+", choices=[DOCUMENTED, "ours", "torchvision", "PIL"], default=[DOCUMENTED, "ours"],
        help="that peers decode with (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--s3", action="store_true", help="also from the store at AWS_ENDPOINT_URL, else from moto's server")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: the cores, %(default)s")
    parser.add_argument(
        "--batches", type=int, metavar="N",
        help="timed batches of a round (default: an epoch; with fewer, who makes much of an epoch ahead seems faster)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="rewrite the tables between the markers in this page")
    args = parser.parse_args()
    peers = [] if args.peers is None else args.peers or list(CONTESTANTS)[2:]
    none: tuple[str | None, str | None] = (None, None)
    with tempfile.TemporaryDirectory(prefix="rayfill-loader-") as folder, bucket() if args.s3 else nullcontext(none) as far:
        dataset = args.data or synthetic(Path(folder))
        count = open_dataset(dataset).len_of(SPLIT)
        batches = args.batches or max(1, count // BATCH)
        plan = Plan(dataset, count, args.threads, batches, WARM, args.rounds, tuple(args.decoders))
        rows = Match(plan, Path(folder) / "match", far[0]).run([BARE, OURS, *peers])
    found = numbers(rows, args.threads)
    text = f"{count:,} photographs, {args.threads} threads, {args.rounds} rounds.\n\n{as_markdown(found, far[1])}"
    print(text)
    if args.write:
        rewrite(args.write, "benchmarks.loader", f"`{command_line(args.data, args.write)}`, {datetime.now(UTC):%B %Y}. {text}")
    if args.json:
        print(
            json.dumps({"benchmark": "loader", "photographs": count, "threads": args.threads, "store": far[1], "rows": found})
        )


def synthetic(folder: Path) -> str:
    """A dataset of synthetic photographs."""
    make_photographs(folder / "photographs", SYNTHETIC)
    ingest(f"{folder}/photographs", f"{folder}/dataset", IngestSpec(val_share=0, shard_mib=4), run_inline)
    return f"{folder}/dataset"


def command_line(data: str | None, page: Path) -> str:
    """What made the tables, for the page: without the places on this machine."""
    words = [word.replace(str(page), page.name).replace(data or "DATASET", "DATASET") for word in sys.argv[1:]]
    return " ".join(["python -m benchmarks.loader", *words])


if __name__ == "__main__":
    main()
