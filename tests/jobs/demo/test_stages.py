"""The demo shows a line a stage; whatever else is printed, by this process's C parts and children too, is in its log."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.demo.stages import Stages


def test_a_stage_shows_its_line_and_logs_everything_that_is_printed_in_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stages = Stages(2, tmp_path / "log.txt")
    with stages.stage("greet", "rayfill greet"):
        print("from Python")
        print("a warning", file=sys.stderr)
        os.write(2, b"from C\n")
        subprocess.run(["echo", "from a child"], check=True)
    print("afterwards")
    shown = capfd.readouterr()
    assert shown.out == "afterwards\n"
    assert [line.split("  ")[:2] for line in shown.err.splitlines()] == [["1/2", "greet"]] * 2
    log = (tmp_path / "log.txt").read_text()
    assert all(f"{line}\n" in log for line in ("$ rayfill greet", "from Python", "a warning", "from C", "from a child"))
    assert list(stages.seconds) == ["greet"]


def test_a_stage_that_fails_shows_the_end_of_the_log_and_where_the_rest_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stages = Stages(1, tmp_path / "log.txt")

    def divide() -> None:
        with stages.stage("divide", "rayfill divide"):
            print("the useful sentence")
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        divide()
    shown = capfd.readouterr().err
    assert "divide: failed" in shown
    assert "the useful sentence" in shown
    assert str(tmp_path / "log.txt") in shown
