"""Train a recipe and register its model: what `rayfill train` and a sweep's winner run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rayfill.cluster.live_nodes import live_nodes
from rayfill.data.dataset import open_dataset
from rayfill.masks.painted import pinned
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.registry.register import register_run
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.training.capacity import wait_for_share
from rayfill.training.check_run import check_run
from rayfill.training.code_version import code_version
from rayfill.training.init_from import resolve_init_checkpoints
from rayfill.training.on_ray import train_on_ray
from rayfill.training.resolve_on_ray import resolve_run, warn_of_other_hardware
from rayfill.training.run_directory import SPEC, claim, claimed_before, read_run, run_lock


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run's id in MLflow, and the number of the version that its model became."""

    mlflow_run: str
    version: int


def prepare_run(recipe: Recipe, data: str, locations: Locations, name: str, workers: int, code: str | None = None) -> RunSpec:
    """The run, checked against its dataset; nothing is written.

    Args:
        recipe: its masks may name files, whose digests are taken.
        data: a dataset's name or URL.
        locations: the root.
        name: of the run.
        workers: training processes.
        code: version of the code that the command was typed with; None asks this checkout.

    Raises:
        InputError: there is no such dataset, or it or the number of workers does not fit the recipe; or the recipe's file of
            masks is missing or not good.
    """
    mlflow_place(locations)  # refuses a root whose registry would be lost, before anything is trained
    recipe = recipe.model_copy(update={"masks": pinned(recipe.masks)})
    dataset = open_dataset(_version_begun_with(locations.dataset(data), locations, name))
    check_run(recipe, dataset.len_of("train"), workers)
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
    )


def _version_begun_with(dataset: str, locations: Locations, name: str) -> str:
    """The dataset's URL; for a run that was begun, in the version that it was begun with: the dataset may have grown since."""
    if not open_store(locations.run(name)).exists(SPEC):
        return dataset
    earlier = read_run(locations.root, name)
    return at_version(dataset, earlier.dataset_digest) if earlier.dataset == dataset else dataset


def train_and_register(run: RunSpec, log: Callable[[str], None], wait_s: float) -> Trained:
    """Claim or resume the run, train it, and register its model. Ray must be running.

    Args:
        run: of `prepare_run`.
        log: gets one line as training begins.
        wait_s: seconds to wait where the cluster has no room, at the start and after a node was lost.

    Raises:
        InputError: the name belongs to another run, or the cluster has no room for it.
        Failed: training broke down.
    """
    share = wait_for_share(live_nodes, run.workers, wait_s, log)
    earlier = claimed_before(run)
    if earlier is None:
        run = claim(resolve_run(run, share.resources, share.threads, log))
    else:
        run = earlier
        warn_of_other_hardware(run, share.resources, log)
    shown = f"{run.workers} worker{'s' * (run.workers > 1)} with {share} each"
    training = run.recipe.training
    steps = f"{'its ' if earlier else ''}{run.recipe.steps} steps"
    begins = f"run {run.name}{' goes on with ' if earlier else ': '}{steps}"
    log(f"{begins} of {training.batch_size} in {training.precision}, {shown}")
    with run_lock(run):
        mlflow_run = train_on_ray(run, share, wait_s)
    return Trained(mlflow_run, register_run(run.name, Locations(run.root), mlflow_run))
