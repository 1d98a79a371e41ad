"""`rayfill evaluate`: a model's scorecard on a dataset, as a table, as JSON and as a page with pictures."""

import argparse
import contextlib
import json
from pathlib import Path

from jobs.arguments import Parser, add_precision, positive, verb
from jobs.protocol_files import load_protocol
from jobs.submission import JOB_NAME, add_cluster_options, cluster_address
from jobs.transfers import local_folder, place
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec, validate
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill evaluate gdn@champion --data photos --report report"
    parser = verb(commands, "evaluate", example)
    parser.add_argument("model", metavar="MODEL", help="name@alias, name/version, a run, or the path of a model folder")
    parser.add_argument("--data", required=True, metavar="DATASET", help="a dataset's name, path or URL")
    parser.add_argument("--report", type=place, metavar="DIR", help="write scorecard.json and index.html there")
    parser.add_argument("--images", type=positive, metavar="N", help="at most the first N photographs of val (default: all)")
    add_precision(parser)
    parser.add_argument("--serial", action="store_true", help="work in this process, without Ray; on its GPU if it has one")
    parser.add_argument(
        "--protocol", metavar="FILE", help="YAML of how to measure, or the name of a shipped one (default: rayfill's own)"
    )
    parser.add_argument(
        "--mask-set",
        type=Path,
        metavar="FILE",
        help="YAML of another mask set than the default one of the model's size",
    )
    parser.add_argument("--resolved-mask-set", help=argparse.SUPPRESS)  # its file need not exist on a cluster
    add_cluster_options(parser, name=JOB_NAME)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Evaluate, print the table, write the report; tag a registered version with its scores."""
    mask_set = load_spec(args.mask_set, MaskSetSpec, []) if args.mask_set else None
    if args.resolved_mask_set:
        mask_set = validate(json.loads(args.resolved_mask_set), MaskSetSpec, Path("mask set"))
    protocol = load_protocol(args.protocol)
    if mask_set and protocol:
        raise InputError("--mask-set: a protocol names its own masks; leave one of the two out")
    if isinstance(args.report, Path) and args.report.exists() and not args.report.is_dir():
        raise InputError(f"--report: {args.report} is a file; name a folder")
    if (address := cluster_address(args)) is not None:
        from jobs.evaluate_there import evaluate_there

        return evaluate_there(args, address, mask_set, protocol)

    from rayfill.data.dataset import open_dataset

    locations = Locations(args.root)
    dataset = locations.dataset(args.data)
    open_dataset(dataset)
    from rayfill.registry.resolve import resolve_model  # imports MLflow

    model = resolve_model(args.model, locations)
    from rayfill.cluster.local import local_ray  # imports torch and Ray: only after the arguments are checked
    from rayfill.evaluation.comparison.text import worst_slice_line
    from rayfill.evaluation.evaluate import evaluate_model
    from rayfill.evaluation.table import columns_of, format_table
    from rayfill.registry.register import attach_scorecard

    with contextlib.nullcontext() if args.serial else local_ray(dashboard=False):
        made = evaluate_model(
            model.folder,
            dataset,
            locations,
            images=args.images,
            spread=not args.serial,
            mask_set=mask_set,
            protocol=protocol,
            precision=args.precision,
        )
    card = made.card
    if model.version is not None and protocol is None:  # what `models` lists is one protocol's numbers
        attach_scorecard(locations, model.name, model.version, made)
    print(format_table(card, columns_of(protocol.report if protocol else ())))
    print(worst_slice_line(made))
    result: dict[str, object] = {"scorecard": card.model_dump(mode="json"), "digest": card.digest(), "report": None}
    if args.report:
        from rayfill.evaluation.report.folder import write_report

        with local_folder(args.report) as folder:
            page = write_report(folder, made, model.folder, dataset, locations, mask_set, protocol)
        result["report"] = f"{args.report}/{page.name}"
        print(f"report: {result['report']}")
    return result
