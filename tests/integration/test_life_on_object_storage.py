"""The same life with everything but MLflow's database in a bucket: ingest, train, evaluate, resolve by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
TINY = {
    "images.size": "32",
    "system.options.generator.width": "2",
    "system.options.generator.blocks": "0",
    "system.options.detector.width": "1",
    "training.batch_size": "4",
    "training.checkpoint_every": "2",
    "training.grid_every": "4",
    "phases.0.steps": "4",
}


def rayfill(cwd: Path, *words: str) -> dict[str, object]:
    """Run the command in a process of its own, which starts its own Ray: its workers inherit where the bucket is."""
    command = [sys.executable, "-m", "jobs.cli", *words, "--json"]
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.timeout(1500)
def test_a_model_lives_in_a_bucket(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/team.db")
    source = tmp_path / "photographs"
    source.mkdir()
    rng = np.random.default_rng(0)
    for i in range(14):
        cv2.imwrite(str(source / f"{i}.jpg"), cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (48, 40)))
    rayfill(tmp_path, "ingest", str(source), "photos", "--root", s3_url, "--serial", "--val-share", "0.3")

    overrides = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    recipe = str(ROOT / "jobs" / "recipes" / "gdn.yaml")
    trained = rayfill(tmp_path, "train", recipe, "--data", "photos", "--root", s3_url, "--name", "far", *overrides)
    assert trained["folder"] == f"{s3_url}/runs/far/model"

    from rayfill.storage.open_store import open_store

    keys = {entry.key for entry in open_store(f"{s3_url}/runs/far").list()}
    assert {"run.json", "model/model.json", "model/weights.safetensors", "step-000000004/state.safetensors"} <= keys

    card = rayfill(tmp_path, "evaluate", "gdn/1", "--data", "photos", "--root", s3_url, "--serial")["scorecard"]
    assert isinstance(card, dict)
    assert card["model"]["run"] == "far"
