"""A command whose reader has gone ends quietly."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_command_whose_reader_has_gone_ends_without_a_traceback() -> None:
    command = [sys.executable, "-m", "jobs.cli", "schema", "recipe"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(60) == 141
    assert said == ""
