"""`rayfill ingest`: make a dataset of photographs."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from jobs.arguments import Parser, verb
from jobs.submission import JOB_NAME, add_cluster_options, cluster_address, job_command, run_there
from rayfill.spec.dataset import IngestSpec, Manifest
from rayfill.spec.errors import InputError
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.data.ingest.part_builder import PackJob
    from rayfill.data.ingest.part_manifest import PartManifest
    from rayfill.data.ingest.pipeline import Ingested, RunParts

SHOWN = 5
"""How many skipped photographs are printed for each reason; the manifest lists them all."""


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command. Its options are the fields of IngestSpec, which also knows their defaults and ranges."""
    parser = verb(commands, "ingest", "rayfill ingest ~/Pictures photos --max-side 512")
    parser.add_argument(
        "source", metavar="SOURCE", help="folder, tar file or s3://bucket/prefix; with --adopt one that holds shards"
    )
    parser.add_argument("dataset", metavar="DATASET", help="a name under the root, or a path or URL")
    parser.add_argument(
        "--add", action="store_true", help="add the new photographs of SOURCE to an existing dataset, as its next version"
    )
    parser.add_argument("--serial", action="store_true", help="work in this process instead of on Ray")
    for name, field in IngestSpec.model_fields.items():
        shown = "keep their size" if field.default is None else field.default
        text = f"{field.description} (default: {shown})".replace("%", "%%")
        if field.annotation is bool:
            parser.add_argument(_option(name), action="store_true", default=argparse.SUPPRESS, help=field.description)
        else:
            parser.add_argument(_option(name), dest=name, metavar="N", default=argparse.SUPPRESS, help=text)
    add_cluster_options(parser, name=JOB_NAME)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Ingest and print a summary."""
    spec = _spec(args)
    dataset = Locations(args.root).dataset(args.dataset)
    from rayfill.data.ingest.sources import open_source

    if not cluster_address(args) or not args.source.startswith("s3://"):
        open_source(args.source)  # refused at once where it is not there
    if (address := cluster_address(args)) is not None:
        return _ingest_there(args, address, spec, dataset)
    from rayfill.data.ingest.addition import add  # image libraries come with it
    from rayfill.data.ingest.pipeline import ingest, run_inline

    with ExitStack() as stack:
        try:
            run_parts = run_inline if args.serial else _on_ray_within(stack)
            if args.add:
                done = add(args.source, dataset, spec.model_dump(include=spec.model_fields_set), run_parts)
            else:
                done = ingest(args.source, dataset, spec, run_parts)
        except KeyboardInterrupt:
            print("the ingest was stopped; run the same command again to resume it", file=sys.stderr, flush=True)
            raise
    _show(done.manifest, _state(args.add, done), dataset)
    return {
        "dataset": dataset,
        "made": done.made,
        "digest": done.manifest.dataset_digest,
        "added": done.manifest.additions[-1].samples if args.add and done.made else None,
        "samples": dict(done.manifest.samples),
        "shards": len(done.manifest.tars),
        "bytes": done.manifest.bytes,
        "converted": done.manifest.converted,
        "skipped": dict(_skipped(done.manifest)),
        "relatives": done.manifest.relatives.model_dump() if done.manifest.relatives else None,
    }


def _ingest_there(args: argparse.Namespace, address: str, spec: IngestSpec, dataset: str) -> dict[str, object]:
    locations = Locations(args.root)
    source = args.source
    if not source.startswith("s3://"):
        source = str(Path(source).expanduser().resolve())
        if not locations.root.startswith("file://") and not args.dry_run:
            from jobs.transfers import upload_source

            source = upload_source(source, locations)
    options = [word for name in sorted(spec.model_fields_set) for word in _words(name, getattr(spec, name))]
    words = [source, dataset, *(["--add"] if args.add else []), *(["--serial"] if args.serial else []), *options]
    return run_there(args, address, job_command(args, args.dataset, words))


def _words(name: str, value: object) -> list[str]:
    """An option as it is typed."""
    if isinstance(value, bool):
        return [_option(name)] if value else []
    return [_option(name), str(value)]


def _on_ray_within(stack: ExitStack) -> "RunParts":
    """Return a parallel map; it starts Ray if there are enough parts to be worth it, and stops it with `stack`."""

    def run_parts(pack: "Callable[[PackJob], PartManifest]", jobs: "Sequence[PackJob]") -> "Iterable[PartManifest]":
        if len(jobs) == 1:
            return map(pack, jobs)  # Ray takes longer to start than a shard takes to pack
        from rayfill.cluster.local import local_ray
        from rayfill.data.ingest.on_ray import run_on_ray

        stack.enter_context(local_ray(dashboard=False))
        return run_on_ray(pack, jobs)

    return run_parts


def _spec(args: argparse.Namespace) -> IngestSpec:
    given = {name: value for name, value in vars(args).items() if name in IngestSpec.model_fields}
    try:
        return IngestSpec.model_validate(given)
    except ValidationError as error:
        key, _, problem = first_problem(error, IngestSpec).partition(": ")
        raise InputError(f"{_option(key)}: {problem}" if problem else key) from None


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _skipped(manifest: Manifest) -> list[tuple[str, int]]:
    return Counter(rejection.reason for rejection in manifest.skipped).most_common()


def _state(adding: bool, done: "Ingested") -> str:
    if not adding:
        return "" if done.made else " exists already, made from the same source with the same options"
    if not done.made:
        return " already has every photograph of this source"
    last = done.manifest.additions[-1]
    return f": {last.samples} photographs added to version {last.base[:12]}"


def _show(manifest: Manifest, state: str, dataset: str) -> None:
    print(f"{dataset}{state}")
    counts = ", ".join(f"{count} {split}" for split, count in manifest.samples.items())
    print(f"  samples    {counts}")
    print(f"  shards     {len(manifest.tars)}, {manifest.bytes / 2**20:.1f} MiB")
    if manifest.relatives and manifest.relatives.groups:
        alike = manifest.relatives
        print(f"  look alike {alike.photographs} photographs; groups: {alike.groups}, each in one split; moved: {alike.moved}")
    for reason, count in manifest.converted.items():
        print(f"  converted  {count} {reason}")
    for reason, count in _skipped(manifest):
        paths = [rejection.path for rejection in manifest.skipped if rejection.reason == reason][:SHOWN]
        print(f"  skipped    {count} {reason}: {', '.join(paths)}{', ...' if count > SHOWN else ''}")
    print(f"  digest     {manifest.dataset_digest}")
