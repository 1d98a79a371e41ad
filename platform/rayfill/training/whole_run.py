"""Train a recipe and register its model: what `rayfill train` and a sweep's winner run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rayfill.cluster.live_nodes import live_nodes
from rayfill.cluster.placement import largest_share
from rayfill.data.dataset import open_dataset
from rayfill.masks.painted import pinned
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.registry.register import register_run
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import InitFrom, RunSpec
from rayfill.storage.open_store import open_store
from rayfill.training.capacity import present_workers, wait_for_share
from rayfill.training.check_run import check_run, fit_validation
from rayfill.training.code_version import code_version
from rayfill.training.freeze import check_freeze
from rayfill.training.init_from import resolve_init_checkpoints
from rayfill.training.init_model import described, pin_init, store_init
from rayfill.training.on_ray import train_on_ray
from rayfill.training.resolve_on_ray import resolve_run, warn_of_other_hardware
from rayfill.training.run_directory import SPEC, claim, claimed_before, is_finished, read_run, run_lock
from rayfill.training.tracking import open_tracked_run


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run's id in MLflow, and the number of the version that its model became."""

    mlflow_run: str
    version: int


def prepare_run(
    recipe: Recipe,
    data: str,
    locations: Locations,
    name: str,
    workers: int,
    code: str | None = None,
    init: InitFrom | None = None,
    min_workers: int | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> RunSpec:
    """The run, checked against its dataset; nothing is written.

    Args:
        recipe: its masks may name files, whose digests are taken.
        data: a dataset's name or URL.
        locations: the root.
        name: of the run.
        workers: training processes.
        code: version of the code that the command was typed with; None asks this checkout.
        init: other model to begin with; a run that was begun keeps what it meant then.
        min_workers: with as few it goes on; None: with `workers` or not at all.
        log: gets a sentence about what is taken over.

    Raises:
        InputError: there is no such dataset, or it or the number of workers does not fit the recipe; or the recipe's file of
            masks is missing or not good.
    """
    mlflow_place(locations)  # refuses a root whose registry would be lost, before anything is trained
    recipe = recipe.model_copy(update={"masks": pinned(recipe.masks)})
    check_freeze(recipe)
    begun = read_run(locations.root, name) if open_store(locations.run(name)).exists(SPEC) else None
    if init is not None and begun is not None and begun.init is not None and _as_typed(begun.init) == init:
        init = begun.init
    elif init is not None:
        init, misfits = pin_init(init, recipe, locations)
        log(described(init, misfits))
    dataset = open_dataset(_version_begun_with(locations.dataset(data), begun))
    check_run(recipe, dataset.len_of("train"), workers, dataset.len_of("val"), min_workers)
    recipe = fit_validation(recipe, dataset.len_of("val"), log)
    return RunSpec(
        format="rayfill-run-1",
        name=name,
        recipe=recipe,
        root=locations.root,
        dataset=dataset.store.url,
        dataset_digest=dataset.digest,
        workers=workers,
        code_version=code or code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        starts=resolve_init_checkpoints(recipe, locations.root),
        init=init,
        min_workers=min_workers,
    )


def _version_begun_with(dataset: str, begun: RunSpec | None) -> str:
    """The dataset's URL; for a run that was begun, in the version that it was begun with: the dataset may have grown since."""
    return at_version(dataset, begun.dataset_digest) if begun is not None and begun.dataset == dataset else dataset


def _as_typed(init: InitFrom) -> InitFrom:
    return init.model_copy(update={"weights_sha256": None})


def train_and_register(run: RunSpec, log: Callable[[str], None], wait_s: float, grace_s: float) -> Trained:
    """Claim the run or take it up where it stopped, train it, register its model. Ray must be running.

    A run that is finished is said to be so, and registered if it is not yet.

    Args:
        run: of `prepare_run`.
        log: gets one line as training begins.
        wait_s: seconds to wait where the cluster has no room, at the start and after a node was lost.
        grace_s: seconds that a stop signal gives the workers to save a checkpoint.

    Raises:
        InputError: the name belongs to another run, or the cluster has no room for it.
        Failed: training broke down.
    """
    earlier = claimed_before(run)
    if earlier is not None and is_finished(run.root, run.name):
        log(f"run {run.name} is finished: {earlier.recipe.steps} steps, begun {earlier.created}; nothing is left to train")
        place = mlflow_place(Locations(run.root))
        return Trained(open_tracked_run(place, earlier, finished=True), register_run(run.name, Locations(run.root)))
    share = wait_for_share(live_nodes, run.least_workers, wait_s, log)
    present = run.workers
    if run.min_workers is not None:
        present = present_workers(live_nodes(), run.min_workers, run.workers)
        share = largest_share(live_nodes(), present)
    if earlier is None:
        store_init(run)
        resolved = resolve_run(run.model_copy(update={"workers": present}), share.resources, share.threads, log)
        run = claim(resolved.model_copy(update={"workers": run.workers}))
    else:
        run = earlier
        warn_of_other_hardware(run, share.resources, log)
    shown = f"{present} worker{'s' * (present > 1)} with {share} each"
    if run.min_workers is not None:
        shown += f", {run.min_workers} to {run.workers} as there is room"
    training = run.recipe.training
    steps = f"{'its ' if earlier else ''}{run.recipe.steps} steps"
    begins = f"run {run.name}{' goes on with ' if earlier else ': '}{steps}"
    log(f"{begins} of {training.batch_size} in {training.precision}, {shown}")
    with run_lock(run):
        mlflow_run = train_on_ray(run, share, wait_s, grace_s)
    return Trained(mlflow_run, register_run(run.name, Locations(run.root), mlflow_run))
