"""An HTTP proxy before a real S3 store that does on request what stores and networks do at night."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and the store's true answer to it."""

    request: BaseHTTPRequestHandler
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def answer(self, sent: int | None = None, promised: int | None = None) -> None:
        """Pass the answer on: `sent` bytes of its body under a Content-Length of `promised`; all of it by default."""
        body = self.body if sent is None else self.body[:sent]
        self.request.send_response(self.status)
        for name, value in self.headers:
            self.request.send_header(name, value)
        # The answer to a HEAD promises a body that it has not.
        length = len(self.body) if promised is None else promised
        if self.request.command != "HEAD":
            self.request.send_header("Content-Length", str(length))
        self.request.end_headers()
        self.request.wfile.write(body)
        self.request.wfile.flush()


def error(status: int, code: str) -> Fault:
    """The store answers with an error of this name."""

    def fault(exchange: Exchange) -> None:
        exchange.status, exchange.headers = status, [("Content-Type", "application/xml")]
        exchange.body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
        exchange.answer()

    return fault


def keeps_time(exchange: Exchange) -> None:
    """A request that was signed more than a quarter of an hour ago, or will be, is refused, as S3 does and moto does not."""
    signed = datetime.strptime(exchange.request.headers["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    late = abs(datetime.now(UTC) - signed) > timedelta(minutes=15)
    (error(403, "RequestTimeTooSkewed") if late else Exchange.answer)(exchange)


def reset(exchange: Exchange) -> None:
    """The connection is reset in the middle of the body."""
    exchange.answer(sent=len(exchange.body) // 2, promised=len(exchange.body))
    exchange.request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.request.close_connection = True


def cut(exchange: Exchange) -> None:
    """The connection ends in the middle of the body, in good order."""
    exchange.answer(sent=len(exchange.body) // 2, promised=len(exchange.body))
    exchange.request.close_connection = True


def short(exchange: Exchange) -> None:
    """A complete answer that holds half the bytes."""
    exchange.answer(sent=len(exchange.body) // 2, promised=len(exchange.body) // 2)


def altered(exchange: Exchange) -> None:
    """A bit is flipped on the way."""
    at = len(exchange.body) // 2
    exchange.body = exchange.body[:at] + bytes([exchange.body[at] ^ 1]) + exchange.body[at + 1 :]
    exchange.answer()


def answer_lost(exchange: Exchange) -> None:
    """The store has handled the request, but its answer is lost."""
    exchange.request.close_connection = True


def stalled(seconds: float) -> Fault:
    """Half the body comes, and then nothing for so long."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(sent=len(exchange.body) // 2, promised=len(exchange.body))
        time.sleep(seconds)
        exchange.request.close_connection = True

    return fault


@dataclass
class FaultProxy:
    """`upstream` and `url` are endpoints. `seen` holds method, path and Range of each request that came through."""

    upstream: str
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._faults: list[tuple[Fault, str]] = []
        self._lock, self._down = threading.Lock(), True

    def fail(self, fault: Fault, times: int = 1, only: str = "") -> None:
        """Let so many of the next requests whose path holds `only` go wrong."""
        with self._lock:
            self._faults += [(fault, only)] * times

    def heal(self) -> None:
        """Listen, do everything right, and forget what was seen."""
        self.start()
        self._faults.clear()
        self.seen.clear()

    def away(self, seconds: float) -> None:
        """Refuse connections for so long."""
        self.stop()
        threading.Timer(seconds, self.start).start()

    def start(self) -> None:
        """Listen, if it does not."""
        if not self._down:
            return
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads, self._down = True, False
        self._server.socket.settimeout(1)  # a caller that gave up meanwhile must not hold up the loop, or `stop`
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more; connections that stand are dropped."""
        self._down = True
        self._server.shutdown()
        self._server.server_close()

    def _fault_for(self, path: str) -> Fault:
        with self._lock:
            for number, (fault, only) in enumerate(self._faults):
                if only in path:
                    del self._faults[number]
                    return fault
        return Exchange.answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # answers boto's "Expect: 100-continue", for which it would wait a second

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if proxy._down:
                    self.close_connection = True
                    return
                proxy.seen.append((self.command, self.path, self.headers.get("Range", "")))
                store = http.client.HTTPConnection(urlsplit(proxy.upstream).netloc)
                passed = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", "connection")}
                store.request(self.command, self.path, body, passed)
                reply = store.getresponse()
                ours = ("content-length", "transfer-encoding", "connection")
                if self.command == "HEAD":
                    ours = ours[1:]
                headers = [(name, value) for name, value in reply.getheaders() if name.lower() not in ours]
                exchange = Exchange(self, reply.status, headers, reply.read())
                store.close()
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have been killed
                    proxy._fault_for(self.path)(exchange)

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
