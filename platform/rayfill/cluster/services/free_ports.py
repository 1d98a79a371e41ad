"""Ask the system for TCP ports that nothing listens on."""

import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
"""The only address that local services listen on."""


def free_ports(names: Iterable[str], earlier: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name: the one it had earlier where that is free, so that addresses last."""
    with ExitStack() as sockets:  # all at once: a port that was just given back could be given out again
        return {name: _listen(sockets, earlier.get(name, 0)) for name in names}


def _listen(sockets: ExitStack, wanted: int) -> int:
    probe = sockets.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that has just ended leaves its port in TIME_WAIT
    try:
        probe.bind((LOOPBACK, wanted))
        probe.listen()
    except OSError:
        return _listen(sockets, 0)
    return int(probe.getsockname()[1])
