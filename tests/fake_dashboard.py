"""A dashboard that says what a test wants it to: versions, machines and refusals that no real cluster here would give."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = {"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "session_1"}


@contextmanager
def fake_dashboard(answers: Mapping[str, Any], token: str | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """URL of a server that gives each path its JSON; a number is an HTTP status. With a token it asks for that one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            if token and given != f"Bearer {token}":
                return self._send(401 if given is None else 403, {"error": "Unauthorized"})
            found = answers.get(self.path.partition("?")[0], 404)
            return self._send(found, {}) if isinstance(found, int) else self._send(200, found)

        def _send(self, status: int, body: Any) -> None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def nodes(*machines: Mapping[str, float]) -> dict[str, Any]:
    """The answer about these machines, all alive but one that is dead."""
    alive = [{"state": "ALIVE", "resources_total": dict(machine)} for machine in machines]
    return {"data": {"result": {"result": [*alive, {"state": "DEAD", "resources_total": {"CPU": 64.0, "GPU": 8.0}}]}}}
