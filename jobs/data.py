"""`rayfill data`: list, inspect, verify, license or delete datasets."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser, group, verb
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations, split_version

if TYPE_CHECKING:
    from rayfill.data.inspection.summary import Inspection

USERS = 5
"""How many users of a dataset an error names."""

BAR = 30
"""Characters of the longest bar."""


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the commands."""
    own = group(commands, "data", "rayfill data verify photos")
    inspecting = verb(own, "inspect", "rayfill data inspect photos --sheet photos.png", "show what is in a dataset")
    inspecting.add_argument("--sheet", type=Path, metavar="FILE", help="write a contact sheet of both splits to this .png file")
    verifying = verb(
        own, "verify", "rayfill data verify s3://bucket/photos", "verify every byte of a dataset against its digests"
    )
    listing = verb(own, "list", "rayfill data list", "list the datasets under the root")
    listing.set_defaults(then=_list)
    deleting = verb(own, "delete", "rayfill data delete photos --yes", "delete a dataset that nothing needs, all its versions")
    deleting.add_argument("--yes", action="store_true", help="delete it; without --yes only print what would be deleted")
    licensing = verb(own, "licence", "rayfill data licence photos CC-BY-4.0", "show or tell the licence of a dataset")
    for parser, run_it in ((inspecting, _inspect), (verifying, _verify), (deleting, _delete), (licensing, _licence)):
        parser.add_argument("dataset", metavar="DATASET", help="a dataset's name, path or URL")
        parser.set_defaults(then=run_it)
    licensing.add_argument(
        "name", nargs="?", metavar="NAME", help="such as CC-BY-4.0 or internal; without it the licence is shown"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run the subcommand."""
    result: dict[str, object] = args.then(args)
    return result


def _inspect(args: argparse.Namespace) -> dict[str, object]:
    if args.sheet and (args.sheet.suffix.lower() != ".png" or not args.sheet.parent.is_dir()):
        raise InputError(f"--sheet: {args.sheet}: name a .png file in a folder that exists")
    from rayfill.data.dataset import open_dataset  # imports image libraries
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


def _list(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.data.catalog import list_datasets

    listed = list_datasets(Locations(args.root))
    if not listed:
        print(f"no dataset lies under {args.root}; 'rayfill ingest' makes one")
    rows = [("dataset", "samples", "size", "versions", "digest")]
    for one in listed:
        whole = (f"{one.samples:,}", _size(one.bytes), str(one.versions), one.digest[:12])
        rows.append((one.name, *(whole if one.state == "whole" else (one.state, "-", "-", "-"))))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows if listed else ():
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for one in listed:
        if one.problem:
            print(one.problem)
    return {"datasets": [asdict(one) for one in listed]}


def _delete(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.data.catalog import delete_files, files_of
    from rayfill.training.dataset_users import users_of  # imports MLflow

    locations = Locations(args.root)
    dataset, version = split_version(locations.dataset(args.dataset))
    if version:
        raise InputError(f"{args.dataset}: a version shares its shards with the others; a dataset is deleted whole")
    files = files_of(dataset)
    total = f"{len(files)} files, {_size(sum(files.values()))}"
    if users := users_of(dataset, locations):
        more = f" and {len(users) - USERS} more" if len(users) > USERS else ""
        raise InputError(f"{dataset}: it is needed by {', '.join(users[:USERS])}{more}; nothing was deleted")
    if args.yes:
        delete_files(dataset, files)
        print(f"{dataset}: deleted, {total}")
    else:
        print(f"{dataset}: nothing needs it; --yes would delete {total}")
    return {"dataset": dataset, "deleted": args.yes, "files": len(files), "bytes": sum(files.values())}


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
        lines.append(("", f"shorter side, of {found.looked_at:,} photographs drawn at random"))
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


def _licence(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.data.dataset import open_dataset
    from rayfill.data.licence import read_licence, write_licence

    url = open_dataset(Locations(args.root).dataset(args.dataset)).store.url
    if args.name is not None:
        write_licence(url, args.name)
    found = read_licence(url)
    print(f"{url}: {found or 'its licence is not recorded; tell it with a name behind the dataset'}")
    return {"dataset": url, "licence": found}
