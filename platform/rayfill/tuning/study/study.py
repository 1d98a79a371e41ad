"""Open a sweep's Optuna study: SQLite in the sweep's folder, or the database of `--storage`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from pydantic import ValidationError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.storage.database import connect_timeout
from rayfill.storage.disk_full import is_disk_full
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists, NotFound
from rayfill.tuning.study.log_levels import quiet_optuna
from rayfill.tuning.study.samplers import SeededByNumber

SPEC = "sweep.json"
DATABASE = "study.db"
LOCK_WAIT_S = 60
"""How long a write waits for another process that is writing into the same SQLite file."""


@dataclass(frozen=True, slots=True)
class SweepLocation:
    """Where a sweep lies.

    Attributes:
        root: URL under which sweeps lie.
        sweep: the sweep's name.
    """

    root: str
    sweep: str

    @property
    def url(self) -> str:
        """Of the sweep's directory in the store: `sweep.json`, the report, the winner."""
        return Locations(self.root).sweep(self.sweep)

    @property
    def folder(self) -> Path:
        """On this machine, for the SQLite file and the driver's lock; for a bucket in ./.rayfill of the working directory."""
        here = self.url if self.url.startswith("file://") else Locations("./.rayfill").sweep(self.sweep)
        return Path(here.removeprefix("file://"))

    def storage(self, given: str | None) -> str:
        """URL of the database: `given`, or the SQLite file. It may hold a password: print `shown` of it."""
        return given or f"sqlite:///{self.folder / DATABASE}"


def open_study(spec: SweepSpec, storage: str | None = None) -> optuna.Study:
    """The study of a sweep, new or as it was left; to be called by its only driver. `spec_of` tells as what it goes on.

    Raises:
        InputError: the name belongs to another sweep, here or in the database, or its study is elsewhere.
        Failed: the database does not answer.
    """
    place = SweepLocation(spec.root, spec.name)
    spec = spec.model_copy(update={"storage": storage and shown(storage)})
    earlier = _recorded(place)
    if earlier is not None:
        _refuse_missing_study(place, storage)
        difference = spec.differs_from(earlier)
        if difference:
            raise InputError(
                f"--name {spec.name}: that name belongs to another sweep, which differs in {difference}; choose another name"
            )
        spec = spec.model_copy(update={"created": earlier.created, "warm": earlier.warm})
    place.folder.mkdir(parents=True, exist_ok=True)
    with answering(storage):
        study = optuna.create_study(
            storage=_open(place.storage(storage)),
            study_name=spec.name,
            directions=[objective.direction for objective in spec.sweep.objectives],
            sampler=SeededByNumber(spec.sweep.search, spec.sweep.seed),
            load_if_exists=True,
        )
        if earlier is None:
            _refuse_another(study, spec)
        if "began" not in study.user_attrs:
            study.set_user_attr("began", spec.created)
        study.set_user_attr("sweep", spec.model_dump_json())
    if earlier is None:
        try:
            open_store(place.url).write(SPEC, (spec.model_dump_json(indent=1) + "\n").encode(), if_absent=True)
        except AlreadyExists:
            raise InputError(f"--name {spec.name}: another process began a sweep of that name just now") from None
    return study


def load_study(root: str, sweep: str, storage: str | None = None) -> optuna.Study:
    """The study of a sweep that was begun before, to look at, also while it is driven.

    Raises:
        InputError: there is no such sweep, or its study is elsewhere.
        Failed: the database does not answer.
    """
    place = SweepLocation(root, sweep)
    if _recorded(place) is None:
        raise InputError(f"sweep '{sweep}': there is none under {Locations(root).root}/sweeps")
    _refuse_missing_study(place, storage)
    with answering(storage):
        return optuna.load_study(study_name=sweep, storage=_open(place.storage(storage)))


def spec_of(study: optuna.Study) -> SweepSpec:
    """The sweep that a study belongs to, as it goes on now."""
    return SweepSpec.model_validate_json(study.user_attrs["sweep"])


def shown(storage: str) -> str:
    """A database's URL without user, password and query. InputError if it is none."""
    try:
        url = make_url(storage)
    except ArgumentError:
        raise InputError("--storage: not a database's URL; write postgresql://USER@HOST/DATABASE or sqlite:////path") from None
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def _recorded(place: SweepLocation) -> SweepSpec | None:
    store = open_store(place.url)
    try:
        return SweepSpec.model_validate_json(store.read(SPEC))
    except NotFound:
        return None
    except ValidationError as error:
        raise InputError(f"{store.url_of(SPEC)}: not a sweep of this version of rayfill: {error.errors()[0]['msg']}") from None


def _refuse_missing_study(place: SweepLocation, storage: str | None) -> None:
    earlier = _recorded(place)
    if earlier is None or (storage and shown(storage)) == earlier.storage:
        if storage is None and not (place.folder / DATABASE).exists():
            raise InputError(f"sweep '{place.sweep}': its study is not in {place.folder}; go on where it was begun")
        return
    there = f"--storage {earlier.storage}" if earlier.storage else "no --storage"
    raise InputError(f"sweep '{place.sweep}': its study is elsewhere; it was begun with {there}")


def _refuse_another(study: optuna.Study, spec: SweepSpec) -> None:
    """A database may serve several roots. A study of this root without its `sweep.json` is of a driver that died in between."""
    if "sweep" in study.user_attrs and ((theirs := spec_of(study)).root != spec.root or spec.differs_from(theirs)):
        raise InputError(
            f"--name {spec.name}: the database has another sweep of that name, of {theirs.root}; choose another name"
        )


def _open(url: str) -> RDBStorage:
    quiet_optuna()
    if url.startswith("sqlite"):
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": LOCK_WAIT_S}})
    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True, "connect_args": connect_timeout(url)})


@contextmanager
def answering(storage: str | None) -> Iterator[None]:
    """Database errors as sentences. The library's own text may hold the whole URL, password included."""
    where = f"--storage {shown(storage)}" if storage else "the sweep's study"
    try:
        yield
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or error.name or make_url(storage or "").drivername
        install = "rayfill[postgres]" if missing == "psycopg" else missing
        raise InputError(
            f"{where}: needs the Python package '{missing}', which is not installed; pip install '{install}'"
        ) from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        if is_disk_full(error):
            raise Failed(f"{where}: the disk is full; free some space and type the command again") from None
        raise Failed(f"{where}: the database does not answer ({type(error).__name__})") from None
