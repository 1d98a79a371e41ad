"""`rayfill serve` as a user types it: until Ctrl-C."""

import io
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from jobs.cli import main
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.register import register_run
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def wait_and_ask(url: str, said: Path, answers: list[int]) -> None:
    """Ask for one picture as soon as the command says that it serves."""
    deadline = time.monotonic() + 200
    while f" at {url}" not in said.read_text() and time.monotonic() < deadline:
        time.sleep(0.2)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:10] = 255
    files = {"image": png(np.zeros((20, 30, 3), np.uint8)), "mask": png(mask)}
    answers.append(requests.post(f"{url}/v1/inpaint", files=files, timeout=60).status_code)


@pytest.mark.usefixtures("ray_cluster")
def test_serve_answers_until_it_is_stopped(
    tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(tmp_path / "model")
    said = tmp_path / "said"
    monkeypatch.setattr(sys, "stdout", said.open("w"))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    answers: list[int] = []

    def visitor() -> None:
        try:
            wait_and_ask(url, said, answers)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=visitor)
    thread.start()
    assert main(["serve", "--model", str(tmp_path / "model"), "--port", str(port), "--json"]) == 0
    thread.join(60)
    assert answers == [200]
    sys.stdout.flush()
    lines = said.read_text().splitlines()
    assert lines[0] == f"serving tiny/unregistered at {url}"
    shown = json.loads(lines[-1])
    assert (shown["url"], shown["model"], shown["version"]) == (url, "tiny", None)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/healthz", timeout=10)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "./nowhere"], "nowhere: not a model folder"),
        ([], "--model: the registry has no champion to take"),
        (["--port", "0"], "'0' is not a whole number of at least 1"),
        (["--replicas", "two"], "'two' is not a whole number of at least 1"),
        (["--repicas", "2"], "unknown argument '--repicas' (did you mean '--replicas'?)"),
    ],
)
def test_wrong_words_start_nothing(root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    assert main(["serve", "--root", str(root), *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("ray_cluster")
def test_more_replicas_than_cpus_are_refused(
    tmp_path: Path, make_model: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    make_model(tmp_path / "model")
    assert main(["serve", "--model", str(tmp_path / "model"), "--replicas", "64", "--port", "8123"]) == 2
    assert "--replicas 64: at most 1 fit on this Ray" in capsys.readouterr().err


@pytest.mark.usefixtures("ray_cluster")
def test_an_alias_is_resolved_once_so_that_a_later_replica_loads_no_other_version(
    tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locations = Locations(str(tmp_path))
    make_model(tmp_path / "runs" / "tiny-1" / "model", run="tiny-1")
    register_run("tiny-1", locations)
    client(mlflow_place(locations)).set_registered_model_alias("tiny", "champion", "1")
    asked: list[str] = []

    def start(ref: str, *_: object) -> None:
        asked.append(ref)
        raise Failed("far enough")

    monkeypatch.setattr("serving.start.start_serving", start)
    assert main(["serve", "--root", str(tmp_path)]) == 1
    assert main(["serve", "--model", "tiny@champion", "--root", str(tmp_path)]) == 1
    assert asked == ["tiny/1", "tiny/1"]
    assert "far enough" in capsys.readouterr().err
