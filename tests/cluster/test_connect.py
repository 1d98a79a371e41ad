"""Finding a cluster's dashboard, or saying what is there instead."""

import socket
from pathlib import Path

import pytest

from rayfill.cluster import client
from rayfill.cluster.client import auth_token, connect
from rayfill.spec.errors import InputError
from tests.fake_dashboard import VERSION, fake_dashboard


@pytest.fixture(autouse=True)
def no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))


def test_an_address_that_accepts_and_never_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=r"accepted the connection, but sent no answer within 0\.3 s"):
            connect(address)


def test_an_address_where_nobody_listens_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match="no Ray dashboard answers there"):
            connect(f"http://127.0.0.1:{unused.getsockname()[1]}")


@pytest.mark.parametrize(
    ("address", "right"),
    [("head:6379", "http://head:8265"), ("ray://head:10001", "http://head:8265"), ("auto", "http://auto:8265")],
)
def test_an_address_of_another_kind_is_refused_with_one_that_would_do(address: str, right: str) -> None:
    with pytest.raises(InputError, match=f"--address {address}: give the cluster's dashboard, such as {right}"):
        connect(address)


@pytest.mark.parametrize("answer", [404, 502, "<html>nginx</html>", {"other": "service"}, []])
def test_what_answers_and_is_no_dashboard_is_refused(answer: object) -> None:
    with fake_dashboard({"/api/version": answer}) as url, pytest.raises(InputError, match=r"HTTP \d+, but it is no Ray dash"):
        connect(url)


def test_a_missing_and_a_wrong_token_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_dashboard({"/api/version": VERSION}, token="right") as url:
        with pytest.raises(InputError, match=r"asks for a token; put it in ~/\.ray/auth_token or RAY_AUTH_TOKEN"):
            connect(url)
        monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
        with pytest.raises(InputError, match="refuses the token"):
            connect(url)
        monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
        assert connect(f"{url}/").ray_version == "2.60.0"


def test_https_where_no_tls_is_spoken_is_told() -> None:
    with fake_dashboard({"/api/version": VERSION}) as url, pytest.raises(InputError, match="write http:// instead of https"):
        connect(url.replace("http:", "https:"))


def test_the_token_comes_from_where_ray_itself_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert auth_token() is None
    (tmp_path / "token").write_text("abc\n")
    assert auth_token() == "abc"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "def")
    assert auth_token() == "def"
