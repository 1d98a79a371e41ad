"""Errors that need no torch, Ray or MLflow are reported without importing them."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GDN = str(ROOT / "jobs" / "recipes" / "gdn.yaml")
HEAVY = {"torch", "ray", "mlflow", "optuna", "pandas", "cv2"}

LIGHT = [
    ["--help"],
    ["trian"],
    ["train", "--help"],
    ["train", "nowhere.yaml", "--data", "photos"],
    ["train", GDN, "--data", "photos", "--set", "trainin.seed=1"],
    ["train", GDN, "--data", "nowhere"],
    ["tune", "nowhere.yaml", "--data", "photos"],
    ["evaluate", "gdn/1", "--data", "nowhere"],
    ["ingest", "nowhere", "photos"],
    ["data", "inspect", "nowhere"],
    ["inpaint", "nowhere.png", "--mask", "m.png", "-o", "o.png"],
    ["schema", "recip"],
    ["doctor", "--root", "gs://x"],
    ["demo", "--root", "s3://bucket/x"],
]
NEEDS_MLFLOW = [["promote", "nowhere"], ["serve", "--model", "nowhere"], ["rollback", "nowhere"]]

SCRIPT = """
import contextlib, io, json, sys
from jobs.cli import main
found = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
    found.append([code, sorted(set(json.loads(sys.argv[2])) & set(sys.modules))])
print(json.dumps(found))
"""


def run(cwd: Path, commands: list[list[str]]) -> list[tuple[int, list[str]]]:
    """Exit code of each command, one after another in one fresh process, and which heavy packages were imported by then."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")}
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'platform'}"
    arguments = [json.dumps(commands), json.dumps(sorted(HEAVY))]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return [(code, imported) for code, imported in json.loads(done.stdout)]


def test_help_and_refusals_import_no_heavy_package(tmp_path: Path) -> None:
    for words, (code, imported) in zip(LIGHT, run(tmp_path, LIGHT), strict=True):
        assert code == (0 if "--help" in words else 2), words
        assert imported == [], words


def test_refusals_that_ask_the_registry_import_neither_torch_nor_ray(tmp_path: Path) -> None:
    for words, (code, imported) in zip(NEEDS_MLFLOW, run(tmp_path, NEEDS_MLFLOW), strict=True):
        assert code == 2, words
        assert not {"torch", "ray"} & set(imported), words


def test_the_server_s_driver_and_ingress_do_without_torch() -> None:
    script = "import sys, serving.start, serving.ingress; print(sorted({'torch', 'torchvision'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
