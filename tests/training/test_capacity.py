"""Waiting for room: how long, what is said meanwhile, and what is refused."""

import pytest

from rayfill.cluster.placement import Node, Share, lacks_room
from rayfill.spec.errors import InputError
from rayfill.training.capacity import startup_failures, wait_for_share, waiting_limit


class Cluster:
    """Grows to two nodes once `grows_at` seconds were slept."""

    def __init__(self, grows_at: float) -> None:
        self.now, self.grows_at = 0.0, grows_at
        self.lines: list[str] = []

    def nodes(self) -> list[Node]:
        return [Node(cpus=4, gpus=1)] * (2 if self.now >= self.grows_at else 1)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, limit_s: float) -> Share:
        return wait_for_share(self.nodes, 2, limit_s, self.lines.append, self.sleep, lambda: self.now)


def test_a_cluster_that_has_room_is_taken_at_once() -> None:
    cluster = Cluster(grows_at=0)
    assert cluster.wait(0) == Share(4, gpus=1)
    assert cluster.lines == []


def test_a_node_that_comes_late_is_waited_for_with_a_line_a_minute() -> None:
    cluster = Cluster(grows_at=150)
    assert cluster.wait(1800) == Share(4, gpus=1)
    assert cluster.now == 150
    assert cluster.lines == [
        f"--workers 2: the cluster has 1 GPUs; allowed are 1 to 1; waiting for more, {waited} of 30 min 00 s"
        for waited in ("0 s", "1 min 00 s", "2 min 00 s")
    ]


def test_a_node_that_never_comes_is_refused_after_the_limit() -> None:
    cluster = Cluster(grows_at=float("inf"))
    with pytest.raises(InputError, match=r"allowed are 1 to 1 \(waited 1 min 33 s\)"):
        cluster.wait(93)
    assert cluster.now == 93


def test_a_machine_of_ones_own_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiting_limit() == 0
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert waiting_limit() == 1800
    assert waiting_limit("2min") == 120


def test_the_wait_is_counted_in_starts() -> None:
    assert startup_failures(1800, 30, failures=3) == 60
    assert startup_failures(0, 30, failures=3) == 3


def test_lacking_reports_missing_workers_after_a_lost_node() -> None:
    share = Share(4, gpus=1)
    assert lacks_room([Node(4, 1)] * 2, 2, share) is None
    sentence = lacks_room([Node(4, 1)], 2, share)
    assert sentence == "waiting for the cluster: it has room for 1 of 2 workers with 4 CPU and 1 GPU each"
