"""`rayfill promote`: move an alias to a model that passes the gate."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser, add_precision, positive, verb
from jobs.submission import JOB_NAME, add_cluster_options, cluster_address, job_command, run_there
from jobs.transfers import model_there
from rayfill.cluster.job_command import Needs
from rayfill.spec.loading.document import load_spec, validate
from rayfill.spec.locations import Locations
from rayfill.spec.release import Release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rayfill.evaluation.probes.probed import Probed
    from rayfill.evaluation.scorecard_store import Evaluation
    from rayfill.registry.ruling import Ruling

DEFAULT_RELEASE = Path(__file__).parent / "releases" / "default.yaml"


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "promote", "rayfill promote gdn-20261120-1 --why 'sharper edges'")
    parser.add_argument("model", metavar="MODEL", help="name@alias, name/version, a run, or the path of a model folder")
    parser.add_argument("--to", default="champion", metavar="ALIAS", help="the alias to move (default: %(default)s)")
    parser.add_argument(
        "--data", metavar="DATASET", help="what both are evaluated on (default: the dataset that MODEL was trained on)"
    )
    parser.add_argument(
        "--release", type=Path, default=DEFAULT_RELEASE, metavar="FILE", help="YAML of the gate (default: the shipped one)"
    )
    parser.add_argument("--images", type=positive, metavar="N", help="at most the first N photographs of val (default: all)")
    add_precision(parser)
    parser.add_argument("--why", default="", metavar="TEXT", help="a word for the log")
    parser.add_argument("--force", action="store_true", help="move the alias whatever the gate says; recorded, and needs --why")
    parser.add_argument("--serial", action="store_true", help="evaluate in this process, without Ray; on its GPU if it has one")
    parser.add_argument("--resolved-release", help=argparse.SUPPRESS)  # its file need not exist on a cluster
    add_cluster_options(parser, name=JOB_NAME)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Evaluate challenger and champion, apply the gate, move the alias, and print the outcome."""
    release = (
        validate(json.loads(args.resolved_release), Release, Path("release"))
        if args.resolved_release
        else load_spec(args.release, Release)
    )
    if (address := cluster_address(args)) is not None:
        return _promote_there(args, address, release)

    from rayfill.inference.model_card import load_card
    from rayfill.registry.resolve import resolve_model

    locations = Locations(args.root)
    challenger = load_card(resolve_model(args.model, locations).folder)
    dataset = locations.dataset(args.data or challenger.lineage.dataset)
    from rayfill.cluster.local import local_ray  # imports torch and Ray: only after the arguments are checked
    from rayfill.evaluation.default_mask_set import default_mask_set
    from rayfill.evaluation.evaluate import evaluate_model
    from rayfill.evaluation.probes.probed import probe as probe_models
    from rayfill.registry.gate import GateRefused
    from rayfill.registry.promote import promote

    def evaluate(folder: Path, size: int) -> "Evaluation":
        mask_set = default_mask_set(size)
        return evaluate_model(
            folder,
            dataset,
            locations,
            images=args.images,
            spread=not args.serial,
            mask_set=mask_set,
            precision=args.precision,
        )

    def probe(own: Path, theirs: Path | None) -> "Probed":
        return probe_models(own, theirs, release, args.precision)

    try:
        with contextlib.nullcontext() if args.serial else local_ray(dashboard=False):
            done = promote(args.model, locations, args.to, release, evaluate, args.why, probe=probe, force=args.force)
    except GateRefused as refused:
        print(_rulings(refused.rulings))
        raise
    event = done.event
    print(_rulings(done.decision.rulings))
    former = "" if event.from_version is None else f", which was {event.model}/{event.from_version}"
    forced = f" although {len(event.forced)} rules failed, because: {event.why}" if event.forced else ""
    print(f"{event.model}/{event.to_version} is now {event.model}@{event.alias}{former}{forced}")
    return event.model_dump(mode="json")


def _promote_there(args: argparse.Namespace, address: str, release: Release) -> dict[str, object]:
    locations = Locations(args.root)
    words = [model_there(args.model, locations), "--to", args.to, "--resolved-release", release.canonical()]
    words += ["--data", locations.dataset(args.data)] if args.data else []
    words += ["--images", str(args.images)] if args.images else []
    words += ["--precision", args.precision, "--why", args.why, *(["--serial"] if args.serial else [])]
    words += ["--force"] if args.force else []
    return run_there(args, address, job_command(args, args.model, words, Needs(1)))


def _rulings(rulings: "Sequence[Ruling]") -> str:
    """A line for each rule, pass or fail, with its numbers."""
    return "\n".join(f"{'pass' if ruling.passed else 'FAIL'}  {ruling.text}" for ruling in rulings)
