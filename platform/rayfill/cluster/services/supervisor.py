"""The process that keeps the services of a folder running: `python -m rayfill.cluster.services.supervisor FOLDER`.

It ends with SIGTERM, and the services with it. If it is killed they go on without it, and its successor adopts them.
"""

import os
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from rayfill.cluster.services.assemble import assemble
from rayfill.cluster.services.process_mark import ProcessMark, mark_of
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import read_settings
from rayfill.cluster.services.state import State, read_state, write_state
from rayfill.cluster.services.supervised import Supervised

POLL_S = 1.0


def supervise(folder: ServiceFolder, stop: threading.Event) -> None:
    """Keep the services running until told to stop, then end them. Returns at once if another supervisor does that."""
    try:
        with FileLock(folder.lock, timeout=0):
            _supervise(folder, stop)
    except Timeout:
        return


def _supervise(folder: ServiceFolder, stop: threading.Event) -> None:
    settings = read_settings(folder)
    if settings is None:
        raise FileNotFoundError(folder.settings)
    earlier = read_state(folder)
    known = earlier.services if earlier else {}
    services = {one.name: Supervised(one, folder.log(one.name), known.get(one.name)) for one in assemble(folder, settings)}
    recorded: State | None = None
    while not stop.wait(POLL_S if recorded else 0):
        for one in services.values():
            one.poll()
            recorded = _record(folder, services, recorded)
    for one in reversed(services.values()):
        one.end()
    shutil.rmtree(settings.ray_folder, ignore_errors=True)
    folder.state.unlink(missing_ok=True)


def _record(folder: ServiceFolder, services: dict[str, Supervised], recorded: State | None) -> State:
    """Write the state if it is another than the one recorded last."""
    me = mark_of(os.getpid()) if recorded is None else recorded.supervisor
    state = State(me or ProcessMark(0, ""), {name: replace(one.state) for name, one in services.items()})
    if state != recorded:
        write_state(folder, state)
    return state


def main(words: list[str]) -> None:
    """Supervise the folder named on the command line."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervise(ServiceFolder(Path(words[0])), stop)


if __name__ == "__main__":
    main(sys.argv[1:])
