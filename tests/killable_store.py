"""An S3 store in a process of its own, which can be killed and started again at the same port with what was stored in it."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# moto keeps objects in memory and can write down each request. A new process first serves these requests to itself, at another
# port, so that nobody meets a store that is there and empty.
SERVE = """
import sys, time
from moto.moto_api import recorder
from moto.server import ThreadedMotoServer

private = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
private.start()
recorder.replay_recording(f"http://127.0.0.1:{private.get_host_and_port()[1]}")
private.stop()
ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False).start()
print("ready", flush=True)
time.sleep(3600)
"""


@dataclass
class KillableStore:
    """`url` is its endpoint. `recording` is the file that outlives its processes."""

    recording: Path

    def __post_init__(self) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.recording.touch()
        self.start()

    def start(self) -> None:
        """Listen, with all that was stored before."""
        env = os.environ | {"MOTO_RECORDER_FILEPATH": str(self.recording), "MOTO_ENABLE_RECORDING": "1"}
        self._process = subprocess.Popen([sys.executable, "-c", SERVE, str(self.port)], env=env, stdout=subprocess.PIPE)
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
