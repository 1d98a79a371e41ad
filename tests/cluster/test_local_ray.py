"""Starting a Ray of one's own on a machine that is too busy for Ray's time limits."""

from typing import Any

import pytest
import ray

from rayfill.cluster.local import local_ray
from rayfill.spec.errors import Failed


class Starts:
    """Ray's start, which fails the first `failures` times."""

    def __init__(self, failures: int) -> None:
        self.failures, self.asked, self.shut_down = failures, 0, 0

    def init(self, **options: Any) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise Exception("The current node timed out during startup.\nmore of it")

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
    made = starts(failures=2)
    with local_ray(dashboard=False):
        assert (made.asked, made.shut_down) == (3, 2)
    assert made.shut_down == 3


def test_a_start_that_never_succeeds_is_one_sentence(starts: Any) -> None:
    starts(failures=3)
    sentence = r"Ray did not start on this machine in 3 tries \(The current node timed out during startup\.\)"
    with pytest.raises(Failed, match=sentence) as found, local_ray(dashboard=False):
        pass
    assert "\n" not in str(found.value)
