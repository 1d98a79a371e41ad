"""The other commands as jobs: ingest, evaluate, inpaint; and what a cluster answers to a wrong token or a killed driver."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from rayfill.cluster.client import Client
from tests.cluster.head.conftest import RECIPE, SETS, Command
from tests.ray_head import Head, rayfill, started

pytestmark = pytest.mark.long  # until they were seen to pass on a quiet machine


def test_a_wrong_and_a_missing_token_are_refused_before_anything_starts(head: Head, root: Path, tmp_path: Path) -> None:
    words = ["--address", head.address, "--root", str(root)]
    wrong = rayfill("runs", *words, token="0" * 64, home=tmp_path)
    assert (wrong.returncode, "the cluster refuses the token" in wrong.stderr) == (2, True)
    missing = rayfill("train", RECIPE, "--data", "photos", *words, token=None, home=tmp_path)
    assert (missing.returncode, "the cluster asks for a token" in missing.stderr) == (2, True)


def test_photographs_are_ingested_as_a_job(root: Path, tmp_path: Path, command: Command) -> None:
    source = tmp_path / "more"
    source.mkdir()
    rng = np.random.default_rng(1)
    for i in range(4):
        cv2.imwrite(str(source / f"{i}.png"), rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    done = command("ingest", str(source), "more", "--val-share", "0", "--serial", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["samples"] == {"train": 4, "val": 0}
    assert "samples    4 train" in done.stdout
    assert (root / "datasets/more/manifest.json").exists()


def test_a_folder_of_pictures_is_inpainted_there_and_the_answers_lie_here(
    root: Path, tmp_path: Path, command: Command, make_model: Callable[..., object]
) -> None:
    make_model(tmp_path / "model")
    rng = np.random.default_rng(2)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    pictures = {f"with blank {i}": rng.integers(0, 256, (40, 48, 3), dtype=np.uint8) for i in range(3)}
    mask = np.zeros((40, 48), np.uint8)
    mask[10:20, 10:20] = 255
    for name, picture in pictures.items():
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), picture)
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
    places = [str(tmp_path / "images"), "--mask", str(tmp_path / "masks"), "-o", str(tmp_path / "out")]
    done = command("inpaint", *places, "--model", str(tmp_path / "model"), "--json")
    assert done.returncode == 0, done.stderr
    assert "3 pictures filled by tiny" in done.stdout
    for name, picture in pictures.items():
        answer = cv2.imread(str(tmp_path / "out" / f"{name}.png"))
        np.testing.assert_array_equal(answer[mask == 0], picture[mask == 0])
        assert (answer[mask == 255] != picture[mask == 255]).any()
    assert not [path for path in (root / "exchange").rglob("*") if path.is_file()], "nothing is left on the way"


@pytest.mark.timeout(400)
def test_a_driver_that_is_killed_is_explained(head: Head, root: Path, tmp_path: Path, client: Client) -> None:
    """As the kernel kills what takes too much memory."""
    steps = ["--set", "phases.0.steps=100000"]
    words = ["--root", str(root), "--address", head.address]
    process = started(
        "train", RECIPE, "--data", "photos", *SETS, *steps, "--name", "hungry", *words, token=head.token, home=tmp_path
    )
    assert process.stderr is not None
    assert any(line.startswith("run hungry:") for line in process.stderr)
    drivers = [p for p in psutil.process_iter(["cmdline"]) if {"jobs.in_job", "hungry"} <= set(p.info["cmdline"] or ())]
    for driver in drivers:
        os.kill(driver.pid, signal.SIGKILL)
    said = process.communicate(timeout=200)[1]
    assert process.returncode == 137
    assert "its process on the head was killed by SIGKILL, most likely because the head ran out of memory" in said
    deadline = time.monotonic() + 60
    while not client.get_job_status("hungry").is_terminal() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert client.get_job_status("hungry") == "FAILED"


def test_doctor_s_page_looks_at_both_sides(head: Head, command: Command) -> None:
    done = command("doctor", "--json")
    assert done.returncode == 0, done.stdout
    assert f"ok   cluster      {head.address} answers and accepts the token" in done.stdout
    checks = json.loads(done.stdout.splitlines()[-1])["checks"]
    wanted = {"cluster", "ray", "versions", "clock", "room", "job", "root", "head packages", "store there", "mlflow there"}
    assert wanted <= set(checks)
    assert any(name.startswith("2 CPU") for name in checks), "one machine of each kind"


def test_an_unreachable_bucket_is_told_by_the_cluster(head: Head, tmp_path: Path) -> None:
    words = ["--root", "s3://bucket/x", "--data", "photos", "--name", "nowhere", "--address", head.address]
    more = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}
    done = rayfill("train", RECIPE, *SETS, *words, token=head.token, home=tmp_path, more=more)
    assert done.returncode in (1, 2), done.stderr
    assert "s3://bucket/x" in done.stderr or "MLflow at http://127.0.0.1:9 does not answer" in done.stderr
