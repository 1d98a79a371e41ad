"""Optuna's dashboard answers over HTTP on this machine, and to nobody else."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import pytest

from rayfill.spec.errors import InputError
from rayfill.tuning.study.dashboard import dashboard, url_of
from tests.tuning.pretend import begin, go_on


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WSGIServer]:
    made = begin(tmp_path_factory.mktemp("sweep"))
    go_on(made, 3)
    with dashboard(made.study) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(server: WSGIServer, path: str, host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_it_shows_the_study(server: WSGIServer) -> None:
    assert url_of(server) == f"http://127.0.0.1:{server.server_port}/dashboard/"
    status, page = ask(server, "/dashboard/")
    assert (status, b"<html" in page) == (200, True)
    status, studies = ask(server, "/api/studies")
    assert status == 200
    (study,) = json.loads(studies)["study_summaries"]
    assert study["study_name"] == "bases"
    status, body = ask(server, f"/api/studies/{study['study_id']}")
    assert len(json.loads(body)["trials"]) == 3


def test_it_is_bound_to_loopback_alone(server: WSGIServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        # All of 127/8 is this machine; only the one address answers.
        socket.create_connection(("127.0.0.2", server.server_port), timeout=5)


@pytest.mark.parametrize("host", ["evil.example:{port}", "evil.example", "127.0.0.1.evil.example:{port}", ""])
def test_a_page_elsewhere_gets_nothing_through_a_name_of_its_own(server: WSGIServer, host: str) -> None:
    assert ask(server, "/api/studies", host.format(port=server.server_port) or "x")[0] == 403


def test_a_tunnel_by_localhost_gets_in(server: WSGIServer) -> None:
    assert ask(server, "/api/studies", "localhost:8080")[0] == 200


def test_a_port_that_is_taken_is_an_input_error(server: WSGIServer, tmp_path: Path) -> None:
    made = begin(tmp_path)
    with pytest.raises(InputError, match=f"--port {server.server_port}: it is taken or not allowed on 127.0.0.1"):
        dashboard(made.study, server.server_port)
    with pytest.raises(InputError, match="--port 99999"):
        dashboard(made.study, 99999)
