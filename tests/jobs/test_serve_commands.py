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
def test_it_serves_until_it_is_told_to_stop(
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
