"""Run directory in the store: claimed by name once; holds the spec, checkpoints and the final model."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists, NotFound

SPEC = "run.json"
MODEL = "model"


def claim(run: RunSpec) -> RunSpec:
    """Claim the run's directory, or resume the run of that name.

    Returns:
        The run as it was first claimed: `run` itself if it is new.

    Raises:
        InputError: the name belongs to a finished run, or to one of another recipe, dataset or number of workers.
    """
    claimed = claim_or_resume(run)
    if claimed is not run:
        _refuse_finished(run)
    return claimed


def claimed_before(run: RunSpec) -> RunSpec | None:
    """The run of that name as it was first claimed, finished or not; None if it is new. Nothing is written.

    Raises:
        InputError: the name belongs to another run; the sentence names the keys that differ.
    """
    if not open_store(Locations(run.root).run(run.name)).exists(SPEC):
        return None
    return _same_run(run)


def claim_or_resume(run: RunSpec) -> RunSpec:
    """`claim` for a run that may be finished already, such as a trial whose end was not recorded."""
    store = open_store(Locations(run.root).run(run.name))
    try:
        store.write(SPEC, (run.model_dump_json(indent=1) + "\n").encode(), if_absent=True)
        return run
    except AlreadyExists:
        return _same_run(run)


def _refuse_finished(run: RunSpec) -> None:
    if is_finished(run.root, run.name):
        raise InputError(f"--name {run.name}: that run is finished; a run's name is never used again")


def _same_run(run: RunSpec) -> RunSpec:
    """The run that has the name, if `run` is the same one."""
    earlier = read_run(run.root, run.name)
    difference = run.differs_from(earlier)
    if difference:
        raise InputError(
            f"--name {run.name}: that name belongs to another run, which differs in {difference}; choose another name"
        )
    return earlier


@contextmanager
def run_lock(run: RunSpec) -> Iterator[None]:
    """Lock the run for the length of the block, so that two trainings never write into one run.

    For a root in a file system, and among processes that share it; the lock goes with the process that holds it. A cluster's
    jobs are kept apart by `rayfill.cluster.submit`.

    Raises:
        InputError: another process is training it.
    """
    folder = Locations(run.root).run(run.name)
    if not folder.startswith("file://"):
        yield
        return
    with Path(folder.removeprefix("file://"), ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"--name {run.name}: that run is being trained right now, by another process") from None
        yield


def read_run(root: str, name: str) -> RunSpec:
    """The spec of a run; InputError if there is no such run."""
    store = open_store(Locations(root).run(name))
    try:
        return RunSpec.model_validate_json(store.read(SPEC))
    except NotFound:
        raise InputError(f"run '{name}': there is none under {Locations(root).runs}") from None
    except ValidationError as error:
        raise InputError(f"{store.url_of(SPEC)}: not a run of this version of rayfill: {error.errors()[0]['msg']}") from None


def is_finished(root: str, name: str) -> bool:
    """Whether the run has its final model."""
    return open_store(Locations(root).run(name)).exists(f"{MODEL}/model.json")


def publish_model(root: str, name: str, folder: Path) -> None:
    """Copy a model folder to the run's place for its final model; the card last, so that it is never there without weights."""
    store = open_store(Locations(root).run(name))
    for path in sorted(folder.iterdir(), key=lambda p: p.suffix == ".json"):
        store.upload(f"{MODEL}/{path.name}", path)
