"""Three hosts on one machine: network namespaces with addresses of their own on a bridge, and a Ray over them. Needs root."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

BRIDGE = "chaosbr"
HEAD, ONE, TWO = "chaoshead", "chaosw1", "chaosw2"
SUBNET = "10.78.0"
PORT = 6399
FAST = {
    "GLOO_SOCKET_IFNAME": "veth0",  # else gloo takes 127.0.0.1, which every host has
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "c" * 64,
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_grpc_client_keepalive_time_ms": "5000",
    "RAY_grpc_client_keepalive_timeout_ms": "5000",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "15",
}
"""Ray notices a lost host within seconds; its own times are minutes."""


def why_not() -> str | None:
    """Why there can be no such hosts here; None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "no ip (iproute2)"
    tried = subprocess.run(["ip", "netns", "add", "chaostest"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no network namespaces: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", "chaostest"], check=False)
    return None


class Hosts:
    """A head without CPUs for workers, and two hosts of one CPU each. Ends with the block, with all that runs on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._remove()
        _ip("netns", "add", BRIDGE)
        _ip("-n", BRIDGE, "link", "add", "br0", "type", "bridge")
        _ip("-n", BRIDGE, "link", "set", "br0", "up")
        for number, host in enumerate((HEAD, ONE, TWO), start=1):
            _ip("netns", "add", host)
            _ip("link", "add", "veth0", "netns", host, "type", "veth", "peer", "name", f"p{number}", "netns", BRIDGE)
            _ip("-n", BRIDGE, "link", "set", f"p{number}", "master", "br0", "up")
            _ip("-n", host, "addr", "add", f"{SUBNET}.{number}/24", "dev", "veth0")
            _ip("-n", host, "link", "set", "veth0", "up")
            _ip("-n", host, "link", "set", "lo", "up")
        self._ray(HEAD, 1, "--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=true")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    @property
    def address(self) -> str:
        """Of the Ray."""
        return f"{SUBNET}.1:{PORT}"

    def join(self, host: str) -> None:
        """Start a host's Ray."""
        number = {ONE: 2, TWO: 3}[host]
        self._ray(host, number, f"--address={self.address}", "--num-cpus=1")

    def link(self, host: str, *, up: bool) -> None:
        """Cut a host off, or connect it again."""
        number = {ONE: 2, TWO: 3}[host]
        _ip("-n", BRIDGE, "link", "set", f"p{number}", "up" if up else "down")

    def kill(self, host: str) -> None:
        """End everything on a host."""
        found = subprocess.run(["ip", "netns", "pids", host], capture_output=True, text=True, check=False)
        for pid in found.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _ray(self, host: str, number: int, *words: str) -> None:
        ray = Path(sys.executable).with_name("ray")
        place = f"--temp-dir={self._folder}/r" if number == 1 else ""
        command = ["ip", "netns", "exec", host, str(ray), "start", f"--node-ip-address={SUBNET}.{number}", *words]
        command += ["--metrics-export-port=9080", "--disable-usage-stats", *([place] if place else [])]
        done = subprocess.run(command, env=os.environ | FAST, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _remove(self) -> None:
        for host in (HEAD, ONE, TWO, BRIDGE):
            self.kill(host)
        time.sleep(0.5)
        for host in (HEAD, ONE, TWO, BRIDGE):
            subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
