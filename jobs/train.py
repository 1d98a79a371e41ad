"""`rayfill train`: train a recipe on a dataset, and register the model when the run ends."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser, duration, positive, verb
from jobs.submission import add_cluster_options, cluster_address, run_there
from rayfill.cluster.inside_job import inside_job
from rayfill.cluster.job_command import JobCommand, Needs, parse_labels
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec, validate
from rayfill.spec.locations import Locations, check_name
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import new_run_name
from rayfill.training.capacity import WAIT_FOR_WORKERS, waiting_limit

if TYPE_CHECKING:
    from rayfill.spec.run import RunSpec


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill train jobs/recipes/gdn.yaml --data photos --workers 2 --set training.seed=1"
    parser = verb(commands, "train", example)
    parser.add_argument("recipe", metavar="RECIPE", type=Path, nargs="?", help="YAML file, such as jobs/recipes/gdn.yaml")
    parser.add_argument(
        "--data", required=True, metavar="DATASET", help="name under the root, path or URL of an ingested dataset"
    )
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="training processes (default: %(default)s)")
    parser.add_argument("--name", help="the run's name; an existing run's name resumes it (default: a new name)")
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
    parser.add_argument("--dry-run", action="store_true", help="check everything and print the resolved recipe; start nothing")
    add_cluster_options(parser, dry_run=False)
    # How a submitted job gets the recipe: resolved, because its file need not exist on the cluster.
    parser.add_argument("--resolved-recipe", help=argparse.SUPPRESS)
    parser.add_argument("--code-version", help=argparse.SUPPRESS)  # a job has the files of a checkout, but not its commit


def run(args: argparse.Namespace) -> dict[str, object]:
    """Check everything that can be checked here, then train here or on the cluster."""
    recipe = read_recipe(args)
    locations = Locations(args.root)
    name = check_name(args.name or new_run_name(recipe), "run")
    address = cluster_address(args)
    if not address:  # a cluster may reach what this machine does not
        _check_data(args, recipe, locations)
    from rayfill.systems.check_recipe import check_recipe  # torch comes with it: after what can be refused without

    check_recipe(recipe)
    if not address and not inside_job():
        _check_room(args.workers)
    if address:
        from rayfill.training.estimate import estimate_training

        command = _command(args, recipe, locations, name)
        return run_there(args, address, command, lambda: estimate_training(recipe, args.workers, locations))
    if args.dry_run:
        _prepare(args, recipe, locations, name)
        print(json.dumps(recipe.model_dump(mode="json"), indent=1))
        return {"recipe": recipe.model_dump(mode="json"), "recipe_digest": recipe.digest()}
    return _train_here(args, recipe, locations, name)


def read_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe of the command line, with its overrides."""
    if args.resolved_recipe:
        return validate(json.loads(args.resolved_recipe), Recipe, Path("recipe"))
    if args.recipe is None:
        raise InputError("rayfill train: RECIPE is missing; the shipped ones are jobs/recipes/*.yaml")
    return load_spec(args.recipe, Recipe, [*args.overrides, *([f"training.for={args.time}"] if args.time else [])])


def _check_data(args: argparse.Namespace, recipe: Recipe, locations: Locations) -> None:
    from rayfill.data.dataset import open_dataset
    from rayfill.training.check_run import check_run

    check_run(recipe, open_dataset(locations.dataset(args.data)).len_of("train"), args.workers)


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
    arguments += ["--workers", str(args.workers), "--wait-for-workers", args.wait_for_workers, "--root", locations.root]
    return JobCommand(
        verb="train",
        arguments=tuple(arguments),
        name=name,
        root=locations.root,
        code_version=code_version(),
        named=args.name is not None,
        unique=True,
        needs=Needs(args.workers),
        labels=parse_labels(args.labels),
    )


def _prepare(args: argparse.Namespace, recipe: Recipe, locations: Locations, name: str) -> "RunSpec":
    from rayfill.training.whole_run import prepare_run

    return prepare_run(recipe, args.data, locations, name, args.workers, args.code_version)


def _train_here(args: argparse.Namespace, recipe: Recipe, locations: Locations, name: str) -> dict[str, object]:
    from rayfill.cluster.local import local_ray
    from rayfill.training.whole_run import train_and_register

    spec = _prepare(args, recipe, locations, name)
    with local_ray(dashboard=True):
        try:
            trained = train_and_register(spec, _log, waiting_limit(args.wait_for_workers))
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
    _log(f"run {name} is stopped; the same command with --name {name} goes on from its last checkpoint")


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
