"""The table of systems: what a recipe's process measures, what is counted, and how the page is rewritten."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.page import markers
from benchmarks.systems import measure
from benchmarks.systems_table import as_markdown, as_text

ROOT = Path(__file__).parent.parent.parent
BEGIN, END = markers("benchmarks.systems")
SMALL = ROOT / "tests" / "systems" / "small"


def test_the_command_measures_a_recipe_given_by_path_and_rewrites_the_page(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    command = [sys.executable, "-m", "benchmarks.systems", "--recipes", str(SMALL / "gdn.yaml"), "--rounds", "1", "--json"]
    done = subprocess.run([*command, "--write", str(page)], cwd=ROOT, capture_output=True, text=True, check=True)
    (row,) = json.loads(done.stdout.splitlines()[-1])["rows"]
    assert (row["recipe"], row["size"], row.get("stopped")) == ("gdn", 32, None)
    assert row["inference_parameters"] == row["parameters"] > 0
    assert row["train_gflop"] > 2 * row["inpaint_gflop"] > 0
    assert min(row[f"{work}_{kind}"] for work in ("inpaint", "train") for kind in ("images_s", "peak_mib")) > 0
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "old" not in text
    assert "| gdn | 32 |" in text
    assert "--recipes" in text


def test_a_recipe_that_cannot_be_measured_says_why_and_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.CompletedProcess(
        [], 1, stdout='{"recipe": "x", "size": 8}\n', stderr="Traceback\nInputError: too much\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    row = measure(Path("x.yaml"), None, 1, limit=60)
    assert row == {"recipe": "x", "size": 8, "stopped": "InputError: too much"}
    for table in (as_text([row]), as_markdown([row])):
        assert "x is not complete: InputError: too much" in table


def test_a_recipe_over_its_time_limit_is_cut_short() -> None:
    assert measure(SMALL / "gdn.yaml", None, 1, limit=0.2) == {"recipe": "gdn", "stopped": "over 0.2 s"}


def test_table_shows_a_dash_for_missing_figures() -> None:
    row = {"recipe": "a", "size": 64, "inference_parameters": 1_234_567, "parameters": 2_000_000, "inpaint_gflop": 12.34}
    assert as_markdown([row]).splitlines()[-1] == "| a | 64 | 1.23 / 2.00 | 12.3 / – | – / – | – / – |"
