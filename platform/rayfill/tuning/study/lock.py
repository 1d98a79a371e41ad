"""Lock a sweep for one driver: a file lock on this machine, an advisory lock in PostgreSQL across machines."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from rayfill.spec.errors import InputError
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.storage.database import connect_timeout
from rayfill.tuning.study.study import SweepLocation, answering

KEEPALIVES = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""TCP keep-alive: the server frees the lock about a minute after it lost the driver's machine. The default is hours."""


@contextmanager
def sweep_lock(spec: SweepSpec, storage: str | None = None) -> Iterator[None]:
    """Hold the sweep for the length of the block, so that no two drivers propose for one study.

    Among processes that share the sweep's folder, and with a study in PostgreSQL among all machines. The locks go with the
    process that holds them. Of any other database only the folder is locked.

    Args:
        spec: the sweep.
        storage: as `open_study` takes it.

    Raises:
        InputError: another process drives it, or the database's driver is not installed.
        Failed: the database does not answer.
    """
    folder = SweepLocation(spec.root, spec.name).folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"--name {spec.name}: that sweep is being driven right now, by another process") from None
        with _held_in_database(spec.name, storage):
            yield


def _held_in_database(sweep: str, storage: str | None) -> "closing[Connection] | nullcontext[None]":
    with answering(storage):
        if storage is None or make_url(storage).get_backend_name() != "postgresql":
            return nullcontext()
        engine = create_engine(storage, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=connect_timeout(storage))
        connection = engine.connect()
        for setting, value in KEEPALIVES.items():
            connection.execute(text(f"SET {setting} = {value}"))
        key = int.from_bytes(hashlib.sha256(f"rayfill-sweep/{sweep}".encode()).digest()[:8], signed=True)
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            return closing(connection)
        connection.close()
    raise InputError(f"--name {sweep}: that sweep is being driven right now, through the same database on another machine")
