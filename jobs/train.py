"""`rayfill train`: train a recipe on a dataset, and register the model when the run ends."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser, duration, verb, worker_range
from jobs.submission import add_cluster_options, cluster_address, run_there
from rayfill.cluster.inside_job import inside_job
from rayfill.cluster.job_command import JobCommand, Needs, parse_labels
from rayfill.spec.duration import parse_duration
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec, validate
from rayfill.spec.locations import Locations, check_name
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import InitFrom, new_run_name
from rayfill.training.capacity import GRACE, WAIT_FOR_WORKERS, waiting_limit

if TYPE_CHECKING:
    from rayfill.spec.run import RunSpec


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill train jobs/recipes/gdn.yaml --data photos --workers 2 --set training.seed=1"
    parser = verb(commands, "train", example)
    parser.add_argument("recipe", metavar="RECIPE", type=Path, nargs="?", help="YAML file, such as jobs/recipes/gdn.yaml")
    parser.add_argument("--data", metavar="DATASET", help="name under the root, path or URL of an ingested dataset")
    parser.add_argument(
        "--workers",
        type=worker_range,
        default=(None, 1),
        metavar="N",
        help="training processes; 2..8: as many of them as there is room for, at every time (default: 1)",
    )
    parser.add_argument("--name", help="the run's name; an existing run's name resumes it (default: a new name)")
    parser.add_argument("--resume", metavar="NAME", help="go on with this run; recipe, data and workers are the run's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="override any key of the recipe"
    )
    parser.add_argument(
        "--for",
        type=duration,
        metavar="TIME",
        dest="time",
        help="train about this long, as in 2min: timed steps decide how many there are (default: the recipe's steps)",
    )
    parser.add_argument(
        "--wait-for-workers",
        type=duration,
        default=WAIT_FOR_WORKERS,
        metavar="TIME",
        help="on a cluster: how long to wait for room for the workers, now and after a node is lost (default: %(default)s)",
    )
    parser.add_argument(
        "--grace",
        type=duration,
        default=GRACE,
        metavar="TIME",
        help="Ctrl-C and SIGTERM wait this long for a checkpoint; a second one does not wait (default: %(default)s)",
    )
    parser.add_argument(
        "--init", metavar="MODEL", help="begin with the weights of a model: name@alias, name/version, run or folder"
    )
    parser.add_argument(
        "--init-match",
        choices=["strict", "matching"],
        default="strict",
        help="matching: take over what has the same name and shape, and list the rest (default: %(default)s)",
    )
    parser.add_argument(
        "--init-optimizer",
        choices=["fresh", "kept"],
        default="fresh",
        help="kept: the optimizer of a run's last checkpoint, too (default: %(default)s)",
    )
    parser.add_argument(
        "--freeze",
        action="append",
        default=[],
        metavar="PATTERN",
        help="weights that stay as they begin, as in 'generator.encoder.*' (training.freeze)",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything and print the resolved recipe; start nothing")
    add_cluster_options(parser, dry_run=False)
    # How a submitted job gets the recipe: resolved, because its file need not exist on the cluster.
    parser.add_argument("--resolved-recipe", help=argparse.SUPPRESS)
    parser.add_argument("--code-version", help=argparse.SUPPRESS)  # a job has the files of a checkout, but not its commit


def run(args: argparse.Namespace) -> dict[str, object]:
    """Check everything that can be checked here, then train here or on the cluster."""
    locations = Locations(args.root)
    if args.resume:
        _take_from_run(args, locations)
    recipe = read_recipe(args)
    if args.data is None:
        raise InputError("rayfill train: --data is missing: name an ingested dataset")
    name = check_name(args.name or new_run_name(recipe), "run")
    address = cluster_address(args)
    if not address:  # a cluster may reach what this machine does not
        _check_data(args, recipe, locations)
    from rayfill.systems.check_recipe import check_recipe  # torch comes with it: after what can be refused without

    check_recipe(recipe)
    if not address and not inside_job():
        _check_room(args.workers[0] or args.workers[1])
    if address:
        from rayfill.training.estimate import estimate_training

        command = _command(args, recipe, locations, name)
        return run_there(args, address, command, lambda: estimate_training(recipe, args.workers[1], locations))
    if args.dry_run:
        recipe = _prepare(args, recipe, locations, name).recipe
        print(json.dumps(recipe.model_dump(mode="json"), indent=1))
        return {"recipe": recipe.model_dump(mode="json"), "recipe_digest": recipe.digest()}
    return _train_here(args, recipe, locations, name)


def _take_from_run(args: argparse.Namespace, locations: Locations) -> None:
    """Fill in what the run was begun with. InputError if there is no such run, or the command line says something else."""
    from rayfill.training.run_directory import read_run

    own = {"--name": args.name, "RECIPE": args.recipe, "--set": args.overrides, "--for": args.time, "--init": args.init}
    for option, given in {**own, "--freeze": args.freeze}.items():
        if given:
            raise InputError(f"--resume {args.resume}: {option} is the run's own; leave it out, or use --name {args.resume}")
    earlier = read_run(locations.root, args.resume)
    args.name, args.data = earlier.name, args.data or earlier.dataset
    args.workers = (earlier.min_workers, earlier.workers)
    if earlier.init is not None:
        args.init, args.init_match, args.init_optimizer = earlier.init.model, earlier.init.match, earlier.init.optimizer
    args.resolved_recipe = (earlier.asked or earlier.recipe).canonical()


def read_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe of the command line, with its overrides."""
    if args.resolved_recipe:
        return validate(json.loads(args.resolved_recipe), Recipe, Path("recipe"))
    if args.recipe is None:
        raise InputError("rayfill train: RECIPE is missing; the shipped ones are jobs/recipes/*.yaml")
    typed = [f"training.for={args.time}"] if args.time else []
    typed += [f"training.freeze={json.dumps(args.freeze)}"] if args.freeze else []
    return load_spec(args.recipe, Recipe, [*args.overrides, *typed])


def _check_data(args: argparse.Namespace, recipe: Recipe, locations: Locations) -> None:
    from rayfill.data.dataset import open_dataset
    from rayfill.training.check_run import check_run

    dataset = open_dataset(locations.dataset(args.data))
    check_run(recipe, dataset.len_of("train"), args.workers[1], dataset.len_of("val"), args.workers[0])


def _check_room(workers: int) -> None:
    """Raise InputError, before Ray starts, if this machine has no room for the workers."""
    import ray

    from rayfill.cluster.placement import Node, largest_share
    from rayfill.hardware.this_machine import cpus_and_gpus

    if not ray.is_initialized():
        largest_share([Node(*cpus_and_gpus())], workers)


def _command(args: argparse.Namespace, recipe: Recipe, locations: Locations, name: str) -> JobCommand:
    from rayfill.training.code_version import code_version

    arguments = ["--resolved-recipe", recipe.canonical(), "--data", locations.dataset(args.data)]
    arguments += ["--workers", "..".join(str(count) for count in args.workers if count)]
    arguments += ["--wait-for-workers", args.wait_for_workers, "--grace", args.grace, "--root", locations.root]
    if args.init:
        arguments += ["--init", args.init, "--init-match", args.init_match, "--init-optimizer", args.init_optimizer]
    return JobCommand(
        verb="train",
        arguments=tuple(arguments),
        name=name,
        root=locations.root,
        code_version=code_version(),
        named=args.name is not None,
        unique=True,
        needs=Needs(args.workers[0] or args.workers[1]),
        labels=parse_labels(args.labels),
    )


def _prepare(args: argparse.Namespace, recipe: Recipe, locations: Locations, name: str) -> "RunSpec":
    from rayfill.training.whole_run import prepare_run

    init = None
    if args.init:
        init = InitFrom(model=args.init, match=args.init_match, optimizer=args.init_optimizer)
    least, workers = args.workers
    return prepare_run(recipe, args.data, locations, name, workers, args.code_version, init, least, _log)


def _train_here(args: argparse.Namespace, recipe: Recipe, locations: Locations, name: str) -> dict[str, object]:
    from rayfill.cluster.local import local_ray
    from rayfill.training.whole_run import train_and_register

    spec = _prepare(args, recipe, locations, name)
    with local_ray(dashboard=True):
        try:
            trained = train_and_register(spec, _log, waiting_limit(args.wait_for_workers), parse_duration(args.grace))
        except KeyboardInterrupt:
            _say_how_to_resume(name)
            raise
    result: dict[str, object] = {
        "run": name,
        "model": recipe.name,
        "version": trained.version,
        "mlflow_run": trained.mlflow_run,
        "folder": f"{locations.run(name)}/model",
    }
    _show(result)
    return result


def _show(result: dict[str, object]) -> None:
    print(f"run {result['run']} is finished: model {result['model']}/{result['version']}, files in {result['folder']}")


def _say_how_to_resume(name: str) -> None:
    _log(
        f"run {name} is stopped; the same command with --name {name} goes on from its last checkpoint, as does --resume {name}"
    )


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
