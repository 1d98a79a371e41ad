"""Connections that do not finish the headers of a request are closed; requests and idle keep-alive connections are not."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rayfill.cluster.header_timeout import watch

SECONDS = 0.5
ANSWER_S = 2.0
"""Longer than a connection may wait for headers."""


async def slow(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that reads the body and answers after a while."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(ANSWER_S if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def serving(protocol: type) -> Iterator[int]:
    """Port of a server whose connections are watched."""
    watched = type("Watched", (protocol,), {})
    watch(watched, SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(slow, http=watched, log_level="critical", lifespan="off", timeout_keep_alive=30)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join(30)


@pytest.fixture(params=[HttpToolsProtocol, H11Protocol])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with serving(request.param) as port:
        yield port


def closed_within(connections: list[socket.socket], seconds: float) -> bool:
    """Whether the server ends all of them in that time."""
    deadline = time.monotonic() + seconds
    for connection in connections:
        connection.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            if connection.recv(1000):
                return False
        except TimeoutError:
            return False
        except ConnectionError:
            pass
    return True


def test_a_hundred_connections_that_do_not_finish_their_headers_are_closed(port: int) -> None:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for i, connection in enumerate(connections):
        connection.sendall([b"", b"GET ", b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: a"][i % 3])
    assert closed_within(connections, 20 * SECONDS)


def test_a_connection_that_sends_a_byte_now_and_then_is_closed_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        deadline = time.monotonic() + 20 * SECONDS
        with suppress(ConnectionError):
            while time.monotonic() < deadline:
                connection.sendall(b"a")
                time.sleep(SECONDS / 5)
        assert time.monotonic() < deadline, "still open"


def test_a_request_whose_answer_takes_longer_is_answered(port: int) -> None:
    assert requests.get(f"http://127.0.0.1:{port}/slow", timeout=30).text == "ok"


def test_a_kept_alive_connection_may_be_idle_but_not_stop_within_the_next_headers(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(2):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.settimeout(30)
            answer = b""
            while not answer.endswith(b"ok"):
                answer += connection.recv(1000)
            time.sleep(4 * SECONDS)
        connection.sendall(b"GET / HTTP/1.1\r\nHo")
        assert closed_within([connection], 20 * SECONDS)
