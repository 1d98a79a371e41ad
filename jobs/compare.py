"""`rayfill compare`: models on the same photographs and masks, with intervals, slices, and pictures won and lost."""

import argparse
import contextlib
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.arguments import Parser, add_precision, positive, verb
from jobs.protocol_files import load_protocol
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.evaluation.comparison.compare import Comparison, MetricGains


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "compare", "rayfill compare gdn@champion gdn/7 --data photos --report compared")
    parser.add_argument(
        "first", metavar="MODEL", help="what the others are held against: name@alias, name/version, a run, a path"
    )
    parser.add_argument("others", metavar="OTHER", nargs="+", help="one or more models")
    parser.add_argument("--data", required=True, metavar="DATASET", help="a dataset's name, path or URL")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write index.html there: intervals, slices, pictures")
    parser.add_argument("--metric", default="psnr", metavar="NAME", help="the leading metric (default: %(default)s)")
    parser.add_argument(
        "--area", choices=("whole", "hole"), default="whole", help="of the leading metric (default: %(default)s)"
    )
    parser.add_argument("--images", type=positive, metavar="N", help="at most the first N photographs of val (default: all)")
    parser.add_argument(
        "--protocol", metavar="FILE", help="YAML of how to measure, or the name of a shipped one (default: rayfill's own)"
    )
    add_precision(parser)
    parser.add_argument("--serial", action="store_true", help="work in this process, without Ray; on its GPU if it has one")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure what was not measured before, print the comparison, write the page."""
    protocol = load_protocol(args.protocol)
    if args.report and args.report.exists() and not args.report.is_dir():
        raise InputError(f"--report: {args.report} is a file; name a folder")
    from rayfill.data.dataset import open_dataset

    locations = Locations(args.root)
    dataset = locations.dataset(args.data)
    open_dataset(dataset)
    from rayfill.inference.model_card import load_card
    from rayfill.registry.resolve import resolve_model

    refs = [args.first, *args.others]
    folders = [resolve_model(ref, locations).folder for ref in refs]
    size = load_card(folders[0]).train_size
    from rayfill.cluster.local import local_ray  # imports torch and Ray: only after the arguments are checked
    from rayfill.evaluation.comparison.compare import compare
    from rayfill.evaluation.comparison.text import format_comparisons
    from rayfill.evaluation.default_mask_set import default_mask_set
    from rayfill.evaluation.evaluate import evaluate_model

    mask_set = None if protocol else default_mask_set(size)
    with contextlib.nullcontext() if args.serial else local_ray(dashboard=False):
        made = [
            evaluate_model(
                folder,
                dataset,
                locations,
                images=args.images,
                spread=not args.serial,
                mask_set=mask_set,
                protocol=protocol.model_copy(update={"size": protocol.size or size}) if protocol else None,
                precision=args.precision,
            )
            for folder in folders
        ]
    models = list(zip(refs, made, strict=True))
    found = compare(models, args.metric, args.area)
    card = made[0].card
    print(f"{card.protocol.images} photographs of {card.protocol.split}, protocol {card.protocol.digest()[:12]}")
    print(format_comparisons(found))
    result: dict[str, object] = {
        "protocol": card.protocol.digest(),
        "scorecards": {ref: one.card.digest() for ref, one in models},
        "comparisons": [_described(one) for one in found],
        "report": None,
    }
    if args.report:
        from rayfill.evaluation.comparison.folder import write_comparison

        page = write_comparison(args.report, found, list(zip(refs, folders, made, strict=True)), dataset, locations, protocol)
        result["report"] = str(page)
        print(f"report: {page}")
    return result


def _described(comparison: "Comparison") -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "leading": _table(comparison.leading),
        "others": [_table(table) for table in comparison.others],
        "slices": [_finite({**asdict(row), "verdict": row.verdict}) for row in comparison.slices],
        "worst_slice": comparison.worst.where if comparison.worst else None,
    }


def _table(table: "MetricGains") -> dict[str, Any]:
    rows = [_finite({**asdict(row), "verdict": row.verdict}) for row in table.rows]
    return {"metric": table.metric.name, "area": table.area, "better": table.metric.better, "rows": rows}


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
