"""Starting a Ray of one's own on a machine that is too busy for Ray's time limits."""

import os
import signal
import subprocess
from typing import Any

import pytest
import ray

from rayfill.cluster.local import local_ray
from rayfill.cluster.ray_environment import set_ray_environment
from rayfill.spec.errors import Failed


class Starts:
    """Ray's start, which fails the first `failures` times."""

    said = "The current node timed out during startup.\nmore of it"

    def __init__(self, failures: int) -> None:
        self.failures, self.asked, self.shut_down = failures, 0, 0
        self.left: list[subprocess.Popen[bytes]] = []

    def init(self, **options: Any) -> None:
        self.asked += 1
        self.options = options
        if self.asked <= self.failures:
            self.left.append(subprocess.Popen(["sleep", "600"]))
            raise Exception(self.said)

    def shutdown(self) -> None:
        self.shut_down += 1


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    def make(failures: int) -> Starts:
        made = Starts(failures)
        monkeypatch.setattr(ray, "init", made.init)
        monkeypatch.setattr(ray, "shutdown", made.shutdown)
        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setenv("HOME", str(tmp_path))
        return made

    return make


def test_a_start_that_times_out_is_tried_again(starts: Any) -> None:
    other = subprocess.Popen(["sleep", "600"])
    made = starts(failures=2)
    with local_ray(dashboard=False):
        assert (made.asked, made.shut_down) == (3, 2)
    assert made.shut_down == 3
    assert [process.wait(10) for process in made.left] == [-signal.SIGKILL] * 2, "what a failed start has left is ended"
    assert other.poll() is None, "and nothing else"
    other.kill()


def test_a_start_that_never_succeeds_is_one_sentence(starts: Any) -> None:
    starts(failures=3)
    sentence = r"Ray did not start on this machine in 3 tries \(The current node timed out during startup\.\)"
    with pytest.raises(Failed, match=sentence) as found, local_ray(dashboard=False):
        pass
    assert "\n" not in str(found.value)


def test_a_dashboard_that_never_comes_up_is_named_instead_of_its_log(starts: Any) -> None:
    made = starts(failures=3)
    made.said = "The last 20 lines of /session/logs/dashboard.log (it contains the error message from the dashboard): \nINFO"
    with pytest.raises(Failed, match=r"in 3 tries \(its dashboard did not come up\)"), local_ray(dashboard=True):
        pass


@pytest.mark.parametrize("dashboard", [True, False])
def test_local_ray_starts_a_dashboard_only_where_it_is_asked_for(starts: Any, dashboard: bool) -> None:
    made = starts(failures=0)
    with local_ray(dashboard=dashboard):
        assert made.options["include_dashboard"] is dashboard


def test_set_ray_environment_gives_a_busy_machine_time_and_keeps_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("RAY_DASHBOARD_STARTUP_TIMEOUT_S", "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    set_ray_environment()
    assert [float(os.environ[name]) >= 60 for name in names] == [True, True]
    monkeypatch.setenv(names[0], "7")
    set_ray_environment()
    assert os.environ[names[0]] == "7"


@pytest.mark.usefixtures("ray_cluster")
def test_start_ray_tells_workers_the_address_so_that_a_second_cluster_on_the_host_does_not_confuse_them() -> None:
    @ray.remote
    def address() -> str | None:
        return os.environ.get("RAY_ADDRESS")

    assert ray.get(address.remote()) == ray.get_runtime_context().gcs_address
