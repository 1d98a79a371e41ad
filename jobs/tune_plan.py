"""Resolve what `rayfill tune` will search from its command line and the sweep's file, before anything starts."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from rayfill.cluster.job_command import JobCommand, Needs, parse_labels
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import validate
from rayfill.spec.locations import Locations, check_name
from rayfill.spec.sweep_file import SweepFile, read_sweep
from rayfill.spec.sweep_spec import SweepSpec


def read_plan(args: argparse.Namespace) -> SweepFile:
    """The sweep of the command line with its base recipes, its space checked against their systems.

    Raises:
        InputError: one sentence about the first thing that is wrong.
    """
    if args.resolved_sweep:
        plan = validate(json.loads(args.resolved_sweep), SweepFile, Path("sweep"))
    elif args.sweep is None:
        raise InputError("rayfill tune: SWEEP is missing; the shipped ones are jobs/sweeps/*.yaml")
    else:
        plan = read_sweep(args.sweep, [*args.overrides, *([f"set.training.for={args.time}"] if args.time else [])])
    if args.data is None and not args.dry_run:
        raise InputError("rayfill tune: --data is missing; name an ingested dataset")
    sweep = plan.sweep
    if args.name:
        sweep = sweep.model_copy(update={"name": check_name(args.name, "sweep")})
    if args.trials:
        sweep = sweep.model_copy(update={"budget": sweep.budget.model_copy(update={"trials": args.trials})})
    if args.workers:
        sweep = sweep.model_copy(update={"trial": sweep.trial.model_copy(update={"workers": args.workers})})
    plan = plan.model_copy(update={"sweep": sweep})
    from rayfill.tuning.search.validate import check_sweep  # torch comes with it

    check_sweep(plan)
    return plan


def check_here(args: argparse.Namespace, plan: SweepFile, locations: Locations) -> None:
    """What can be refused on the machine that will run the sweep before Ray is started: too little data, too few CPUs.

    Raises:
        InputError: the dataset is missing or does not fit a recipe, or not even one trial finds room here.
    """
    import ray

    from rayfill.cluster.placement import Node, trial_share
    from rayfill.data.dataset import open_dataset
    from rayfill.hardware.this_machine import cpus_and_gpus
    from rayfill.training.check_run import check_run

    if args.data is not None:
        dataset = open_dataset(locations.dataset(args.data))
        for recipe in plan.bases.values():
            check_run(recipe, dataset.len_of("train"), plan.sweep.trial.workers, dataset.len_of("val"))
    if not ray.is_initialized():
        trial_share(plan.sweep.trial, [Node(*cpus_and_gpus())])


def dry_run(plan: SweepFile) -> dict[str, object]:
    """Print the sweep as it would be searched."""
    tree = plan.sweep.model_dump(mode="json")
    print(json.dumps(tree, indent=1))
    return {"sweep": tree, "recipes": {label: recipe.digest() for label, recipe in plan.bases.items()}}


def resolve(args: argparse.Namespace, plan: SweepFile, locations: Locations) -> SweepSpec:
    """The sweep with its data, its evaluation set, and what an earlier sweep teaches it.

    Raises:
        InputError: dataset, evaluation set, file of masks or earlier sweep cannot be used, or a recipe does not fit the data.
    """
    from rayfill.data.dataset import open_dataset
    from rayfill.evaluation.eval_set import prepare_eval_set
    from rayfill.masks.painted import pinned
    from rayfill.training.check_run import check_run
    from rayfill.training.code_version import code_version
    from rayfill.tuning.search.warm_start import warm_start
    from rayfill.tuning.study.study import load_study

    dataset = open_dataset(locations.dataset(args.data))
    for recipe in plan.bases.values():
        check_run(recipe, dataset.len_of("train"), plan.sweep.trial.workers, dataset.len_of("val"))
    size = next(iter(plan.bases.values())).images.size
    eval_set = prepare_eval_set(size, dataset.store.url, locations, plan.sweep.evaluation.images)
    return SweepSpec(
        format="rayfill-sweep-1",
        name=plan.sweep.name,
        sweep=plan.sweep,
        bases={label: recipe.model_copy(update={"masks": pinned(recipe.masks)}) for label, recipe in plan.bases.items()},
        originals=plan.originals,
        root=locations.root,
        dataset=dataset.store.url,
        dataset_digest=dataset.digest,
        protocol_digest=eval_set.protocol.digest(),
        warm=warm_start(load_study(locations.root, args.earlier, args.storage), plan) if args.earlier else None,
        code_version=args.code_version or code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def sweep_command(args: argparse.Namespace, plan: SweepFile, locations: Locations) -> JobCommand:
    """The same command for the cluster, with the sweep in it.

    Raises:
        InputError: the study's database would be lost with the job, or its password be shown.
    """
    if args.storage is None and not locations.root.startswith("file://"):
        raise InputError("--storage: with --address and a root in a bucket the study needs a database that outlives the job")
    if args.storage is not None:
        from sqlalchemy.engine import make_url

        from rayfill.tuning.study.study import shown

        shown(args.storage)  # refuses what is no URL
        url = make_url(args.storage)
        if url.password or "password" in url.query:
            raise InputError("--storage: holds a password, which a job's command line would show; use ~/.pgpass there")
    from rayfill.training.code_version import code_version

    arguments = ["--resolved-sweep", plan.canonical(), "--root", locations.root, "--data", locations.dataset(args.data)]
    arguments += ["--storage", args.storage] if args.storage else []
    arguments += ["--from", args.earlier] if args.earlier else []
    arguments += ["--retrain"] if args.retrain else []
    trial = plan.sweep.trial
    return JobCommand(
        verb="tune",
        arguments=tuple(arguments),
        name=plan.sweep.name,
        root=locations.root,
        code_version=code_version(),
        unique=True,
        needs=Needs(trial.workers, trial.cpus, trial.gpus),
        labels=parse_labels(args.labels),
    )
