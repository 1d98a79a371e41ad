"""A real Ray head with a token on loopback, one for all tests of submitted jobs: starting one costs ten seconds and more."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Head:
    """A cluster of one machine.

    Attributes:
        address: of its dashboard.
        token: that it asks for.
        files: Ray's folder for temporary files, with its logs.
        pid: of the process that keeps it.
    """

    address: str
    token: str
    files: Path
    pid: int


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def ray_head(log: Path, dashboard: int | None = None, **environment: str) -> Iterator[Head]:
    """`ray start --head` with a token, ended by the pids of its own process tree.

    Args:
        log: file for what it prints.
        dashboard: port; None for a free one.
        environment: more variables, which its jobs get, too.
    """
    token, port = environment.pop("RAY_AUTH_TOKEN", secrets.token_hex(32)), dashboard or free_port()
    env = os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_health_check_initial_delay_ms": "1000",
        "RAY_raylet_start_wait_time_s": "180",
        **environment,
    }
    env.pop("RAY_ADDRESS", None)
    # A short path of its own: Ray puts Unix sockets below it, whose paths may have 107 characters.
    files = Path(tempfile.mkdtemp(prefix="rf"))
    options = [f"--port={free_port()}", f"--dashboard-port={port}", "--dashboard-host=127.0.0.1", "--num-cpus=2"]
    options += [f"--ray-client-server-port={free_port()}", f"--dashboard-agent-listen-port={free_port()}"]
    options += ["--node-ip-address=127.0.0.1", f"--temp-dir={files}", "--block", "--disable-usage-stats"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", *options],
            env=env,
            cwd=files,  # not in the checkout: its code is what must be sent
            stdout=out,
            stderr=out,
        )
    try:
        _wait_for_dashboard(port, process, log)
        yield Head(f"http://127.0.0.1:{port}", token, files, process.pid)
    finally:
        tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in tree:
            with suppress(psutil.NoSuchProcess):  # a job's process may have ended just now
                member.kill()
        psutil.wait_procs(tree, timeout=10)
        shutil.rmtree(files, ignore_errors=True)


def _wait_for_dashboard(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        if "Ray runtime started" in log.read_text():
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """The head of the session."""
    with ray_head(tmp_path_factory.mktemp("head") / "head.log") as started:
        yield started


def environment(home: Path, token: str | None) -> dict[str, str]:
    """Of a person's shell: nothing of Ray but the token."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"HOME": str(home)}
    return env | ({"RAY_AUTH_TOKEN": token} if token else {})


def rayfill(
    *words: str, token: str | None, home: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command as a person types it, in the checkout."""
    command = [sys.executable, "-m", "jobs.cli", *words]
    env = environment(home, token) | dict(more or {})
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


def started(*words: str, token: str, home: Path) -> subprocess.Popen[str]:
    """The command, begun; its stderr can be read."""
    command = [sys.executable, "-m", "jobs.cli", *words]
    return subprocess.Popen(
        command, env=environment(home, token), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def interrupted(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[str, str]:
    """What it says on stdout and stderr after a signal."""
    process.send_signal(number)
    return process.communicate(timeout=280)
