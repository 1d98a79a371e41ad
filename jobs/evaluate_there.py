"""`rayfill evaluate --address`: the same command for a cluster; its report comes back to this machine."""

import argparse
from pathlib import Path

from jobs.submission import job_command, run_there
from jobs.transfers import download_folder, exchange_url, model_there
from rayfill.cluster.job_command import Needs
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec
from rayfill.spec.protocol import ProtocolSpec


def evaluate_there(
    args: argparse.Namespace, address: str, mask_set: MaskSetSpec | None, protocol: ProtocolSpec | None
) -> dict[str, object]:
    """Evaluate as a job. A report that is asked for is written below the root and fetched from there."""
    locations = Locations(args.root)
    words = [model_there(args.model, locations), "--data", locations.dataset(args.data), "--precision", args.precision]
    words += ["--images", str(args.images)] if args.images else []
    words += ["--serial"] if args.serial else []
    words += ["--resolved-mask-set", mask_set.canonical()] if mask_set else []
    words += ["--protocol", protocol.canonical()] if protocol else []
    report = args.report
    if isinstance(report, Path):
        report = exchange_url(locations, "report", words)
    words += ["--report", report] if report else []
    result = run_there(args, address, job_command(args, args.model, words, Needs(1)))
    if isinstance(args.report, Path) and "scorecard" in result:
        download_folder(str(report), args.report)
        print(f"report: {args.report}/index.html")
        result["report"] = str(args.report / "index.html")
    return result
