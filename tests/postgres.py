"""A PostgreSQL of a test's own, on loopback, that asks for a password."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Debian keeps all but the client out of PATH.
PLACES = os.pathsep.join([os.environ["PATH"], *(str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin"))])
INITDB, POSTGRES = shutil.which("initdb", path=PLACES), shutil.which("postgres", path=PLACES)


@contextmanager
def postgres_server(password: str) -> Iterator[str]:
    """URL of an empty database of a server that is started for the block; only where INITDB and POSTGRES are found."""
    assert INITDB
    assert POSTGRES
    # It refuses to run as root; whom it runs as then has to reach the folder, which pytest's own are closed to.
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="rayfill-postgres-") as name, socket.socket() as found:
        folder = Path(name)
        (folder / "password").write_text(password)
        if user:
            for path in (folder, folder / "password"):
                os.chown(path, 65534, 65534)
        options = ["-U", "rayfill", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "--no-sync"]
        subprocess.run([INITDB, "-D", folder / "data", *options], check=True, capture_output=True, cwd=folder, **user)
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
        found.close()
        settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off")
        command = [POSTGRES, "-D", folder / "data", *(word for setting in settings for word in ("-c", setting))]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, **user) as process:
            url = f"postgresql://rayfill:{password}@127.0.0.1:{port}/postgres"
            try:
                _wait_for(url)
                yield url
            finally:
                process.send_signal(signal.SIGINT)  # ends its connections, too


def _wait_for(url: str) -> None:
    import psycopg

    end = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end, "PostgreSQL does not answer"
            time.sleep(0.1)
