"""What goes wrong with a bucket is said in one sentence that names it and no secret."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rayfill.data.s3_store import S3Store
from rayfill.data.store import AlreadyExists
from rayfill.data.stores import open_store
from rayfill.spec.errors import InputError

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def scripted(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[Answer]], S3Store]]:
    """`scripted(answers)`: a store whose endpoint gives these answers in turn, the last one for ever."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answers: list[Answer]) -> S3Store:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # answers boto's "Expect: 100-continue", for which it would wait a second

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

            do_PUT = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        return S3Store(s3_url)

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def status(code: int, name: str = "") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = f"<Error><Code>{name}</Code><Message>m</Message></Error>".encode()
        request.send_response(code)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def body(data: bytes, promised: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(promised))
        request.end_headers()
        request.wfile.write(data)
        request.close_connection = True

    return answer


def test_a_missing_bucket(s3_url: str) -> None:
    store = open_store("s3://no-such-bucket-here/x")
    calls = [lambda: store.read("a"), lambda: list(store.list()), lambda: store.exists("a"), lambda: store.write("a", b"")]
    for call in calls:
        with pytest.raises(InputError, match=r"s3://no-such-bucket-here/x.*: there is no bucket 'no-such-bucket-here'"):
            call()


@pytest.mark.parametrize("code", ["AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"])
def test_wrong_credentials(scripted: Callable[[list[Answer]], S3Store], code: str) -> None:
    store = scripted([status(403, code)])
    with pytest.raises(InputError, match=rf"/a: the store refuses these credentials \({code}\)") as raised:
        store.read("a")
    assert "a-very-secret-key" not in str(raised.value)


def test_no_credentials(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(InputError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        open_store(s3_url).read("a")


def test_an_endpoint_where_nobody_is(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(InputError, match=rf"{s3_url}/a: cannot reach {endpoint}"):
        open_store(s3_url).read("a")


def test_an_endpoint_that_is_no_url(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio:9000")
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL is not a URL"):
        open_store(s3_url).read("a")


def test_a_body_that_breaks_off_is_read_again(scripted: Callable[[list[Answer]], S3Store]) -> None:
    assert scripted([body(b"abc", 6), body(b"abcdef", 6)]).read("a") == b"abcdef"


def test_a_busy_store_is_asked_again(scripted: Callable[[list[Answer]], S3Store]) -> None:
    assert scripted([status(503, "SlowDown"), body(b"1", 1)]).read("a") == b"1"


def test_a_conflict_of_writers_is_tried_again_until_it_is_decided(scripted: Callable[[list[Answer]], S3Store]) -> None:
    with pytest.raises(AlreadyExists):
        scripted([status(409, "ConditionalRequestConflict"), status(412, "PreconditionFailed")]).write(
            "a", b"1", if_absent=True
        )


def test_a_conditional_write_whose_answer_was_lost_has_won(scripted: Callable[[list[Answer]], S3Store]) -> None:
    scripted([status(500, "InternalError"), status(412, "PreconditionFailed"), body(b"mine", 4)]).write(
        "a", b"mine", if_absent=True
    )
