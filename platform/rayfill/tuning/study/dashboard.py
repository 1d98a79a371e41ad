"""Optuna's dashboard on this machine alone: the study's own pages, while the sweep runs or afterwards."""

import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
from optuna_dashboard import wsgi

from rayfill.spec.errors import InputError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
"""Loopback only: the dashboard has no authentication, and anyone who reaches it can delete studies."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: the page asks for news every few seconds."""


def dashboard(study: optuna.Study, port: int | None = None) -> WSGIServer:
    """A server of the study's dashboard, bound and ready for `serve_forever()`; `url_of` tells where.

    Args:
        study: its storage is shown whole, hence other studies of the same storage, too.
        port: None takes a free one.

    Raises:
        InputError: the port is taken.
    """
    application = _only_from_here(wsgi(study._storage))
    try:
        return make_server(HOST, port or 0, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError):
        raise InputError(f"--port {port}: it is taken or not allowed on {HOST}; leave it out to get a free one") from None


def url_of(server: WSGIServer) -> str:
    """Where a browser on this machine finds it."""
    return f"http://{HOST}:{server.server_port}/dashboard/"


def serve_dashboard(study: optuna.Study, say: Callable[[str], None], port: int | None = None) -> None:
    """Serve until Ctrl-C; `say` gets the URL. No browser is opened: on a server there is none."""
    with dashboard(study, port) as server:
        tunnel = f"ssh -L {server.server_port}:{HOST}:{server.server_port} {socket.gethostname()}"
        say(f"dashboard of sweep {study.study_name}: {url_of(server)} (from another machine through {tunnel}); Ctrl-C ends it")
        server.serve_forever()


def _only_from_here(application: "WSGIApplication") -> "WSGIApplication":
    """The application for requests that name this machine: a page elsewhere whose name was bound to 127.0.0.1 gets nothing."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] not in (HOST, "localhost"):
            start(f"{HTTPStatus.FORBIDDEN.value} {HTTPStatus.FORBIDDEN.phrase}", [("Content-Type", "text/plain")])
            return [b"ask for 127.0.0.1 or localhost\n"]
        return application(environ, start)

    return answer
