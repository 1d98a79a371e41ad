"""`rayfill data`: look into a dataset, or check it byte by byte."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser, group, verb
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.data.inspection.summary import Inspection

BAR = 30
"""Characters of the longest bar."""


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the two commands."""
    own = group(commands, "data", "rayfill data verify photos")
    inspecting = verb(own, "inspect", "rayfill data inspect photos --sheet photos.png", "show what is in a dataset")
    inspecting.add_argument("--sheet", type=Path, metavar="FILE", help="write a contact sheet of both splits there, a .png")
    verifying = verb(
        own, "verify", "rayfill data verify s3://bucket/photos", "compare every byte of a dataset with its digests"
    )
    for parser, run_it in ((inspecting, _inspect), (verifying, _verify)):
        parser.add_argument("dataset", metavar="DATASET", help="a dataset's name, path or URL")
        parser.set_defaults(then=run_it)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Do what the second word says."""
    result: dict[str, object] = args.then(args)
    return result


def _inspect(args: argparse.Namespace) -> dict[str, object]:
    if args.sheet and (args.sheet.suffix.lower() != ".png" or not args.sheet.parent.is_dir()):
        raise InputError(f"--sheet: {args.sheet}: name a .png file in a folder that exists")
    from rayfill.data.dataset import open_dataset  # image libraries come with it
    from rayfill.data.inspection.summary import inspect

    dataset = open_dataset(Locations(args.root).dataset(args.dataset))
    found = inspect(dataset)
    print(dataset.store.url)
    print("\n".join(f"  {name:11}{value}" for name, value in _lines(found)))
    if args.sheet:
        from rayfill.data.inspection.contact_sheet import contact_sheet

        contact_sheet(dataset).save(args.sheet)
        print(f"  {'sheet':11}{args.sheet}")
    return {"dataset": dataset.store.url, **found.as_json(), "sheet": str(args.sheet) if args.sheet else None}


def _verify(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.data.dataset import open_dataset
    from rayfill.data.inspection.verify import items, verify

    dataset = open_dataset(Locations(args.root).dataset(args.dataset))
    objects = len(items(dataset))
    damages = verify(dataset)
    for damage in damages:
        print(f"{damage.url}: {damage.how}")
    if damages:
        raise Failed(f"{dataset.store.url}: {len(damages)} of {objects} objects are damaged or missing")
    print(f"{dataset.store.url}: all {objects} objects are as they were written, {_size(dataset.manifest.bytes)}")
    return {"dataset": dataset.store.url, "digest": dataset.digest, "objects": objects, "bytes": dataset.manifest.bytes}


def _lines(found: "Inspection") -> list[tuple[str, str]]:
    lines = [("samples", ", ".join(f"{count:,} {split}" for split, count in found.samples.items()))]
    spread = found.shard_bytes
    least, median, greatest = _size(spread.least), _size(spread.median), _size(spread.greatest)
    lines.append(("shards", f"{found.shards:,}, {_size(found.bytes)}; each {least} to {greatest}, median {median}"))
    lines += [("adopted", found.shards_at)] if found.shards_at else []
    longest = max(found.sides.values(), default=1)
    for side, count in found.sides.items():
        bar = "█" * max(1, round(BAR * count / longest))
        span = f"{side}-{2 * side - 1} px"
        lines.append(("sides" if side == min(found.sides) else "", f"{span:14}{count / found.looked_at:6.1%}  {bar}"))
    if found.looked_at < sum(found.samples.values()):
        lines.append(("", f"the shorter ones, of {found.looked_at:,} photographs drawn by lot"))
    lines += [("damaged", f"{found.damaged} of {found.looked_at:,} that were looked at")] if found.damaged else []
    lines += [("converted", f"{count:,} {reason}") for reason, count in found.converted.items()]
    lines += [("skipped", f"{count:,} {reason}") for reason, count in found.skipped.items()]
    if found.relatives and found.relatives.groups:
        alike = found.relatives
        groups = f"groups: {alike.groups:,}, the largest of {alike.largest:,}; each lies in one split"
        lines.append(("look alike", f"{alike.photographs:,} photographs; {groups}"))
    return [*lines, ("source", found.source), ("digest", found.digest)]


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
