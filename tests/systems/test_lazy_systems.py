"""A system's networks are imported when its kind is asked for, not before."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import sys
{code}
print(*sorted(n for n in sys.modules if n.startswith("rayfill.models.") or n.startswith("rayfill.systems.")))
print("torch" in sys.modules, "torchvision" in sys.modules)
"""


def imported(code: str) -> tuple[set[str], str]:
    """Modules of networks and systems after running `code` in a fresh process; whether torch and torchvision are among all."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules, packages = done.stdout.splitlines()
    return set(modules.split()), packages


def test_the_names_of_the_systems_need_no_torch() -> None:
    assert imported("from rayfill.systems import SYSTEMS") == (set(), "False False")


@pytest.mark.parametrize(
    ("kind", "network", "others"),
    [("restore", "restore_net", {"lama_generator", "gated_generator", "edgeconnect"}), ("gdn", "detector", {"dilated_resnet"})],
)
def test_one_system_imports_its_own_networks_alone(kind: str, network: str, others: set[str]) -> None:
    modules, packages = imported(f"from rayfill.systems import load_class; load_class({kind!r})")
    assert f"rayfill.models.{network}" in modules
    assert not modules & {f"rayfill.models.{other}" for other in others}
    assert packages == "True False", "torchvision takes two seconds, and this system has none of its networks"
