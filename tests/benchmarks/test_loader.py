"""The loader benchmark: its contestants in their processes, near and over S3, and its tables."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from benchmarks.loader.child import command
from benchmarks.loader.match import ANYWHERE, BARE, FAR, OURS, Row
from benchmarks.loader.process import Process, Stopped
from benchmarks.loader.table import as_markdown, numbers
from benchmarks.page import markers
from benchmarks.photographs import make_photographs
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec

ROOT = Path(__file__).parent.parent.parent
FOLDER = "torch DataLoader, folder"


def test_the_command_measures_contestants_near_and_over_s3_and_writes_the_page(tmp_path: Path) -> None:
    make_photographs(tmp_path / "photographs", 32)
    ingest(str(tmp_path / "photographs"), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    page, (begin, end) = tmp_path / "page.md", markers("benchmarks.loader")
    page.write_text(f"above\n{begin}\nold\n{end}\nbelow\n")
    command = [sys.executable, "-m", "benchmarks.loader", "--data", str(tmp_path / "dataset"), "--peers", FOLDER, "LitData"]
    command += ["--decoders", "documented", "--s3", "--batches", "2", "--rounds", "1", "--json", "--write", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {row["loader"]: row for row in json.loads(done.stdout.splitlines()[-1])["rows"]}
    assert list(found) == [BARE, OURS, FOLDER, "LitData"]
    for name in (OURS, FOLDER):
        row = found[name]
        assert "stopped" not in row
        assert min(row[key] for key in ("rate", "first", "resume", "peak_mib", "far_first", "far_cold", "far_rate")) > 0
        assert row["of_bare"]["median"] * found[BARE]["rate"] == row["of_bare"]["best"] * found[BARE]["rate"] > 0
    assert found[OURS]["large"] == 32_000
    assert min(found[BARE]["decode"], found[BARE]["rate"]) > 0
    assert ("stopped" in found["LitData"]) == (find_spec("litdata") is None)
    text = page.read_text()
    assert text.startswith(f"above\n{begin}\n`python -m benchmarks.loader --data DATASET --peers {FOLDER} LitData")
    assert str(tmp_path) not in text.partition("LitData: ")[0]
    assert text.endswith(f"{end}\nbelow\n")
    assert f"| {FOLDER} | torchvision |" in text
    assert "old" not in text.replace("folder", "")


def test_ratios_are_medians_of_each_rounds_own_so_that_drift_cancels() -> None:
    bare, ours = (
        Row(BARE, "ours", near={"rate": [100, 50, 10]}),
        Row(OURS, "ours", near={"rate": [90, 45, 8], "first": [1, 2, 9]}),
    )
    one = numbers([bare, ours], threads=2)[1]
    assert (one["rate"], one["first"]) == (22.5, 2)
    assert one["of_bare"] == {"median": 0.9, "worst": 0.8, "best": 0.9}


def test_a_contestant_that_stopped_says_why_and_stands_in_the_table() -> None:
    rows = [Row("LitData", "–", stopped={ANYWHERE: "not installed (no module 'litdata')"})]
    text = as_markdown(numbers(rows, threads=2), None)
    assert "| LitData | – | – | – | – | – | – | – |" in text
    assert "LitData: not installed (no module 'litdata')." in text


def test_a_contestant_that_hangs_is_killed_with_all_that_it_has_started_and_can_be_started_again(tmp_path: Path) -> None:
    code = """
import json, subprocess, sys
children = [subprocess.Popen(["sleep", "600"], start_new_session=new).pid for new in (False, True)]
print(json.dumps({"children": children}), flush=True)
sys.stdin.readline()
sys.stdin.readline()
"""
    process = Process([sys.executable, "-c", code], tmp_path / "stderr", limit_s=5)
    process.start()
    tree = [psutil.Process(pid) for pid in (process.pid, *process.hello["children"])]
    with pytest.raises(Stopped, match=r"^measure did not finish within 5 s and was killed$"):
        process.ask("measure")
    assert not psutil.wait_procs(tree, 10)[1]
    process.start()
    assert process.pid != tree[0].pid
    process.end()


def test_a_contestant_that_ends_says_what_it_said_last(tmp_path: Path) -> None:
    code = "import sys; print('{}', flush=True); sys.stdin.readline(); sys.exit('one\\ntwo\\n\\nthe store is away')"
    process = Process([sys.executable, "-c", code], tmp_path / "stderr")
    with pytest.raises(Stopped, match=r"^measure ended the process with 1: one / two / the store is away$"):
        process.ask("measure")


def test_a_request_that_fails_shows_the_end_of_its_traceback(tmp_path: Path) -> None:
    process = Process(command(OURS, 1), tmp_path / "stderr")
    with pytest.raises(Stopped, match=r"^prepare failed: rayfill.*InputError: .*/none: there is no dataset"):
        process.ask("prepare", dataset=str(tmp_path / "none"), folder=str(tmp_path))
    process.end()


def test_contestant_that_failed_in_one_store_keeps_the_figures_of_the_other() -> None:
    near = {"rate": [10.0], "first": [1.0], "resume": [1.0]}
    row = Row("LitData", "PIL", near=near, stopped={FAR: "measure did not finish within 90 s and was killed"})
    text = as_markdown(numbers([row], threads=2), "a store")
    assert "| LitData | PIL | 5.00 |" in text
    assert "| LitData | PIL | – | – | – | – | – |" in text
    assert "LitData (PIL) over S3: measure did not finish within 90 s and was killed." in text
