"""Whole commands with a Ray of their own: SIGTERM, as of Kubernetes, is as orderly as Ctrl-C; SIGKILL leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from tests.photographs import write_photographs
from tests.tuning.tiny import ingest_tiny, tune_tiny, write_tiny

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "systems" / "small" / "restore-small.yaml"
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def stopped(words: list[str], ready: str, folder: Path, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    """Exit code and output of a command that got a signal after it printed `ready`; in a minute all it started is gone."""
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    output = folder / "output"
    with output.open("w") as file:
        command = [sys.executable, "-m", "jobs.cli", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 240
    while ready not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(by)
    code = process.wait(timeout=120)
    psutil.wait_procs(started, timeout=60)
    assert [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    return code, output.read_text()


def training(folder: Path) -> list[str]:
    """A command that trains for a while and says every step."""
    ingest(str(write_photographs(folder / "photographs", 12)), f"{folder}/root/datasets/photos", IngestSpec(), run_inline)
    words = ["train", str(SMALL), "--data", "photos", "--root", f"{folder}/root", "--name", "first"]
    return [*words, "--set", "training.log_every=1", "--set", "training.batch_size=4"]


def test_training_says_how_to_go_on(tmp_path: Path) -> None:
    code, output = stopped(training(tmp_path), "step ", tmp_path)
    assert code == 1
    assert "run first is stopped; the same command with --name first goes on from its last checkpoint" in output
    assert "Traceback" not in output


def test_training_that_is_killed_leaves_no_process_of_its_ray_after_a_minute(tmp_path: Path) -> None:
    code, output = stopped(training(tmp_path), "step ", tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert "Traceback" not in output


def test_a_sweep_says_how_to_go_on(tmp_path: Path) -> None:
    ingest_tiny(tmp_path)
    sweep = write_tiny(tmp_path, set={"phases.0.steps": 900, "training.log_every": 1})
    code, output = stopped(tune_tiny(sweep, tmp_path, tmp_path / "root"), "trial 0", tmp_path)
    assert code == 1
    assert "sweep bases is paused; the same command goes on with it" in output
    assert "Traceback" not in output


def test_serving_ends_without_a_line_of_ray_s(tmp_path: Path, make_model: Callable[..., object]) -> None:
    make_model(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    words = ["serve", "--model", f"{tmp_path}/model", "--root", f"{tmp_path}/root", "--port", str(port)]
    code, output = stopped(words, "serving ", tmp_path)
    assert code == 0
    assert output.rstrip().endswith("stopping")
    assert "raylet" not in output
    assert "ServeController" not in output
