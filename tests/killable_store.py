"""An S3 store in a process of its own, which can be killed and started again at the same port with what was stored in it."""

import os
import random
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# moto keeps objects in memory and can write down requests. A new process first serves these to itself, at another port, so that
# no client meets a store that is up and empty. moto's recorder is made safe here for what happens to it: many requests at once,
# whose lines must not mingle, and a kill in the middle of a line, whose request was not answered.
SERVE = """
import json, sys, threading, time
from pathlib import Path
from moto.moto_api import recorder
from moto.moto_api._internal.recorder.models import Recorder
from moto.server import ThreadedMotoServer

alone, record = threading.Lock(), Recorder._record_request


def record_alone(self, request, body=None):
    if request.method not in ("GET", "HEAD"):
        with alone:
            record(self, request, body)


def whole(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


Recorder._record_request = record_alone
recording = Path(sys.argv[2])
recording.write_text("".join(line for line in recording.read_text().splitlines(keepends=True) if whole(line)))
private = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
private.start()
recorder.replay_recording(f"http://127.0.0.1:{private.get_host_and_port()[1]}")
private.stop()
ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False).start()
print("ready", flush=True)
time.sleep(3600)
"""


def free_fixed_port() -> int:
    """A free port below the ephemeral range, so that no connection takes it while the store is away."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("none of 100 ports is free")


@dataclass
class KillableStore:
    """`url` is its endpoint. `recording` is the file that outlives its processes."""

    recording: Path

    def __post_init__(self) -> None:
        self.port = free_fixed_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.recording.touch()
        self.start()

    def start(self) -> None:
        """Listen, with all that was stored before."""
        env = os.environ | {"MOTO_RECORDER_FILEPATH": str(self.recording), "MOTO_ENABLE_RECORDING": "1"}
        command = [sys.executable, "-c", SERVE, str(self.port), str(self.recording)]
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """End the process without a word to anybody."""
        self._process.kill()
        self._process.wait()

    def away(self, seconds: float) -> None:
        """Kill it, and start it again after so long."""
        self.kill()
        time.sleep(seconds)
        self.start()
