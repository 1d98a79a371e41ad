"""Finding a cluster's dashboard, or saying what is there instead."""

import socket

import pytest

from rayfill.cluster import submit
from rayfill.spec.errors import InputError


def test_an_address_that_accepts_and_never_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=r"accepted the connection, but sent no answer within 0\.3 s"):
            submit.connect(address)


def test_an_address_where_nobody_listens_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match="no Ray dashboard answers there"):
            submit.connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
