"""`rayfill tune`: a sweep file and a dataset become trials, a report, a recipe, and a challenger in the registry."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jobs.arguments import Parser, duration, positive, verb
from jobs.submission import add_cluster_options, cluster_address, run_there
from rayfill.spec.locations import Locations
from rayfill.spec.sweep_file import SweepFile

T = TypeVar("T")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill tune jobs/sweeps/mask-bases.yaml --data photos --trials 20"
    parser = verb(commands, "tune", example)
    parser.add_argument("sweep", metavar="SWEEP", type=Path, nargs="?", help="YAML file, such as jobs/sweeps/mask-bases.yaml")
    parser.add_argument("--data", metavar="DATASET", help="name under the root, path or URL of an ingested dataset")
    parser.add_argument("--name", help="the sweep's name; that of one that was stopped goes on with it (default: the file's)")
    parser.add_argument(
        "--trials", type=positive, metavar="N", help="trials, those of earlier starts counted (default: the file's)"
    )
    parser.add_argument("--workers", type=positive, metavar="N", help="training processes of a trial (default: the file's)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="override any key of the sweep"
    )
    parser.add_argument(
        "--for", type=duration, metavar="TIME", dest="time", help="steps of a trial: as many as its recipe does in this time"
    )
    parser.add_argument("--from", metavar="NAME", dest="earlier", help="begin with what this earlier sweep found")
    parser.add_argument("--storage", metavar="URL", help="database of the study (default: SQLite in the sweep's folder)")
    parser.add_argument("--retrain", action="store_true", help="train the winner as its base recipe says, at the end")
    parser.add_argument("--dry-run", action="store_true", help="check everything and print the resolved sweep; start nothing")
    add_cluster_options(parser, dry_run=False)
    parser.add_argument("--show", metavar="NAME", help="write the report of a sweep, running or not, and say how it stands")
    parser.add_argument("--dashboard", metavar="NAME", help="open a sweep's study in Optuna's dashboard on this machine")
    # How a submitted job gets the sweep: resolved, because its files need not exist on the cluster.
    parser.add_argument("--resolved-sweep", help=argparse.SUPPRESS)
    parser.add_argument("--code-version", help=argparse.SUPPRESS)  # a job has the files of a checkout, but not its commit


def run(args: argparse.Namespace) -> dict[str, object]:
    """Look at a sweep, or check everything that can be checked here and drive it, here or on the cluster."""
    from jobs.tune_looking import dashboard, show

    locations = Locations(args.root)
    if args.show:
        return show(args.show, locations, args.storage)
    if args.dashboard:
        return dashboard(args.dashboard, locations, args.storage)
    from jobs.tune_plan import check_here, dry_run, read_plan, sweep_command
    from rayfill.cluster.inside_job import inside_job

    plan = read_plan(args)
    address = cluster_address(args)
    if address:
        return run_there(args, address, sweep_command(args, plan, locations))
    if not inside_job():
        check_here(args, plan, locations)
    if args.dry_run:
        return dry_run(plan)
    return _drive(args, plan, locations)


def _drive(args: argparse.Namespace, plan: SweepFile, locations: Locations) -> dict[str, object]:
    from jobs.tune_looking import outcome, print_result
    from jobs.tune_plan import resolve
    from rayfill.cluster.local import local_ray
    from rayfill.tuning.search.costs import measure
    from rayfill.tuning.study.lock import sweep_lock
    from rayfill.tuning.study.study import open_study, spec_of
    from rayfill.tuning.winner.publish import register_winner, retrain

    spec = resolve(args, plan, locations)
    with sweep_lock(spec, args.storage):
        study = open_study(spec, args.storage)
        spec = spec_of(study)
        keys, search, prune = len(spec.searched.space), spec.sweep.search.kind, spec.sweep.prune.kind
        _log(f"sweep {spec.name}: {keys} key{'s' * (keys > 1)}, search {search}, prune {prune}")
        with local_ray(dashboard=True):
            from rayfill.tuning.execution.run_sweep import run_sweep

            why = _pausing(spec.name, lambda: run_sweep(study, measure, args.code_version))
            _log(f"sweep {spec.name} is at its end: {why}")
            workers = spec.sweep.trial.workers
            registered = (
                _pausing(spec.name, lambda: retrain(spec, study, locations, workers, _log, args.code_version))
                if args.retrain
                else register_winner(spec, study, locations)
            )
        result = outcome(spec, study, locations, registered)
    print_result(result)
    return result


def _pausing(name: str, do: Callable[[], T]) -> T:
    """`do()`; after Ctrl-C it says how to go on."""
    try:
        return do()
    except KeyboardInterrupt:
        _log(f"sweep {name} is paused; the same command goes on with it, its running trials from their last checkpoints")
        raise


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
