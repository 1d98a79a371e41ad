"""Close connections to Ray Serve's HTTP proxy that do not finish the headers of a request.

Neither Ray Serve nor uvicorn has a setting for it, and a client that opens connections and says nothing would hold them, and a
file descriptor each, for ever. Ray calls `install` in the proxy's process (`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`).
"""

import asyncio
from typing import Any

HEADERS_S = 12.0
"""Seconds between two looks at a connection. One that waits for headers at both is closed, so after 12 to 24 s of waiting."""


def install() -> list[Any]:
    """Watch every connection that uvicorn accepts in this process from now on; returns no further middleware, as Ray asks."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    watch(H11Protocol)
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:  # then uvicorn uses h11
        return []
    watch(HttpToolsProtocol)
    return []


def watch(protocol: Any, seconds: float = HEADERS_S) -> None:
    """Let a protocol class of uvicorn look after each of its connections every `seconds`."""
    accept = protocol.connection_made

    def connection_made(self: Any, transport: asyncio.Transport) -> None:
        accept(self, transport)
        self.loop.call_later(seconds, _look, self, transport, _request_awaited(self), seconds)

    protocol.connection_made = connection_made


def _request_awaited(connection: Any) -> object:
    """The request after which this connection owes us headers, the connection itself before its first; None if it owes none.

    Between two requests uvicorn's own keep-alive limit is running, until the first byte of the next one arrives.
    """
    if connection.cycle is None:
        return connection
    idle = connection.timeout_keep_alive_task is not None
    return connection.cycle if connection.cycle.response_complete and not idle else None


def _look(connection: Any, transport: asyncio.Transport, awaited: object, seconds: float) -> None:
    if transport.is_closing():
        return
    now = _request_awaited(connection)
    if now is not None and now is awaited:
        transport.close()
        return
    connection.loop.call_later(seconds, _look, connection, transport, now, seconds)
