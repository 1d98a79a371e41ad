"""A head that is started anew has forgotten its jobs: who follows one is told, and how to go on."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.cluster.head.conftest import RECIPE, SETS
from tests.ray_head import free_port, ray_head, started

pytestmark = pytest.mark.long


@pytest.mark.timeout(900)
def test_a_follower_of_a_head_that_was_started_anew_is_told_that_its_job_is_gone(root: Path, tmp_path: Path) -> None:
    port, token = free_port(), "0123456789abcdef" * 4
    with ray_head(tmp_path / "first.log", port, RAY_AUTH_TOKEN=token) as first:
        steps = ["--set", "phases.0.steps=100000"]
        words = ["--root", str(root), "--address", first.address]
        train = ["train", RECIPE, "--data", "photos", *SETS, *steps, "--name", "orphan", *words]
        process = started(*train, token=token, home=tmp_path)
        assert process.stderr is not None
        assert any(line.startswith("run orphan:") for line in process.stderr)
        for member in [*psutil.Process(first.pid).children(recursive=True), psutil.Process(first.pid)]:
            os.kill(member.pid, signal.SIGKILL)
    assert any("trying again" in line for line in process.stderr)
    with ray_head(tmp_path / "second.log", port, RAY_AUTH_TOKEN=token):
        said = process.communicate(timeout=200)[1]
        assert process.returncode == 1
        assert "the cluster was started anew and has forgotten job orphan" in said
        again = started(*train, token=token, home=tmp_path)
        assert again.stderr is not None
        assert any(line.startswith("run orphan goes on") for line in again.stderr)
        again.kill()
