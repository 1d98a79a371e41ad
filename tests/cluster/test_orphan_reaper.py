"""The orphan reaper ends what a killed driver leaves, and no process that others started."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

DRIVER = """
import subprocess, sys, time
from rayfill.cluster import orphan_reaper
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
orphan_reaper.watch_over_children()
later = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, later.pid, flush=True)
time.sleep(600 if sys.argv[1] == "killed" else 0)
"""


def driver(how: str) -> tuple[subprocess.Popen[str], psutil.Process, psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, how], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    child, later = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
    return process, child, later


def test_children_of_a_killed_driver_are_ended_and_no_others() -> None:
    process, child, later = driver("killed")
    begun = time.monotonic()
    process.send_signal(signal.SIGKILL)
    process.wait()
    try:
        psutil.wait_procs([child], timeout=40)
        assert not child.is_running()
        assert time.monotonic() - begun > 10, "they have time to end by themselves"
        assert later.is_running()
    finally:
        later.kill()
