"""Bring the services of a folder up, take them down, and say how they are."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rayfill.cluster.services.assemble import make_secrets, port_names
from rayfill.cluster.services.free_ports import free_ports
from rayfill.cluster.services.process_mark import end_processes
from rayfill.cluster.services.s3_store import weed
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Asked, Settings, read_settings, write_settings
from rayfill.cluster.services.state import State, read_state
from rayfill.cluster.services.supervised import GRACE_S
from rayfill.spec.errors import Failed, InputError

SUPERVISOR = ("-m", "rayfill.cluster.services.supervisor")
"""What Python is to run as supervisor, before the folder."""
START_S = 900.0
"""Time for all services to answer. Ray alone takes minutes on a machine that is busy."""
TRIES = 3
"""A service that has ended this often before it answered is given up."""
POLL_S = 0.5
LAST_LINES = 8


def bring_up(folder: ServiceFolder, asked: Asked) -> State:
    """Start the services and return when all answer. Those that are up are found; a dead supervisor is replaced.

    Raises:
        InputError: they are up with other settings, or the store's program is not installed.
        Failed: one does not start; then none is left running.
    """
    state, earlier = read_state(folder), read_settings(folder)
    if state is not None and (state.supervisor.alive or any(mark.alive for mark in state.marks)):
        if earlier is None or earlier.asked != asked:
            raise InputError(f"the services of {folder.path} are up with other settings; rayfill down ends them first")
        if state.supervisor.alive:
            return _await_ready(folder, lambda: None)
    elif sys.platform != "linux":
        raise InputError("rayfill up: only on Linux; infra/compose starts the same services in Docker")
    else:
        if asked.bucket:
            weed()
        folder.prepare()
        folder.state.unlink(missing_ok=True)
        ports = free_ports(port_names(store=asked.bucket is not None), earlier.ports if earlier else {})
        settings = Settings(asked, ports, tempfile.mkdtemp(prefix="rayfill-"))
        write_settings(folder, settings)
        make_secrets(folder, settings)
    return _start_supervisor(folder)


def take_down(folder: ServiceFolder) -> list[str]:
    """End the services that the state file names, and no others; returns their names. Empty where none is up."""
    state = read_state(folder)
    if state is None:
        return []
    # The supervisor ends the services itself, one after another, each with its grace.
    end_processes([state.supervisor], GRACE_S * (len(state.services) + 1))
    left = read_state(folder) or state
    end_processes(left.marks, GRACE_S)
    if settings := read_settings(folder):
        shutil.rmtree(settings.ray_folder, ignore_errors=True)
    folder.state.unlink(missing_ok=True)
    return list(state.services)


def _start_supervisor(folder: ServiceFolder) -> State:
    with folder.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *SUPERVISOR, str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def check() -> None:
        if process.poll() is not None:
            raise Failed(f"the supervisor ended at once:\n{last_lines(folder.log('supervisor'))}")

    try:
        return _await_ready(folder, check)
    except BaseException:
        take_down(folder)
        if process.poll() is None:  # it has not recorded itself yet
            process.terminate()
            process.wait()
        raise


def _await_ready(folder: ServiceFolder, check: Callable[[], None]) -> State:
    deadline = time.monotonic() + START_S
    before = {name: one.restarts for name, one in state.services.items()} if (state := read_state(folder)) else {}
    while True:
        state = read_state(folder)
        if state and state.supervisor.alive and all(one.phase == "running" for one in state.services.values()):
            return state
        for name, one in (state.services if state else {}).items():
            if one.restarts - before.get(name, 0) >= TRIES:
                raise Failed(
                    f"{name} ended {TRIES} times ({one.reason}); {folder.log(name)} ends with:\n{last_lines(folder.log(name))}"
                )
        if time.monotonic() > deadline:
            late = [name for name, one in (state.services if state else {}).items() if one.phase != "running"]
            raise Failed(f"{', '.join(late) or 'the supervisor'}: no answer within {START_S:.0f} s; see {folder.logs}")
        check()
        time.sleep(POLL_S)


def last_lines(log: Path) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:]) if log.exists() else ""
