"""What would go wrong on a cluster is said before anything is submitted."""

import platform
from pathlib import Path

import pytest
import ray

from rayfill.cluster import ask_cluster
from rayfill.cluster.client import connect
from rayfill.cluster.growth import _of_launcher
from rayfill.cluster.job_command import Needs
from rayfill.cluster.placement import Node
from rayfill.cluster.preflight import check_room, preflight
from rayfill.spec.errors import InputError
from tests.fake_dashboard import VERSION, fake_dashboard, nodes

TWO_GPUS = [Node(8, 0), Node(16, 2)]


@pytest.fixture(autouse=True)
def no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))


def answers(ray_version: str = ray.__version__, python: str = platform.python_version()) -> dict[str, object]:
    return {
        "/api/version": {**VERSION, "ray_version": ray_version},
        "/api/v0/cluster_metadata": {"data": {"pythonVersion": python}},
        "/api/v0/nodes": nodes({"CPU": 8.0}, {"CPU": 16.0, "GPU": 2.0}),
    }


def test_a_cluster_in_order_is_accepted() -> None:
    with fake_dashboard(answers()) as url:
        preflight(connect(url), Needs(workers=2))


def test_another_ray_is_refused_with_both_versions() -> None:
    with fake_dashboard(answers(ray_version="2.48.0")) as url:
        expected = rf"the cluster runs Ray 2\.48\.0, and this machine has {ray.__version__}; start the cluster with Ray"
        with pytest.raises(InputError, match=expected):
            preflight(connect(url), Needs())


def test_an_untested_python_is_refused() -> None:
    with (
        fake_dashboard(answers(python="3.9.18")) as url,
        pytest.raises(InputError, match=r"runs Python 3\.9\.18; tested are 3\.11 and 3\.12"),
    ):
        preflight(connect(url), Needs())


def test_more_gpus_than_a_cluster_that_does_not_grow_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_cluster, "ask_growth", lambda cluster: None)
    sentence = (
        "--workers 3: the cluster has 24 CPUs and 2 GPUs, room for 2 workers of 1 CPU and 1 GPU, and does not grow; "
        "allowed are 1 to 2"
    )
    with fake_dashboard(answers()) as url, pytest.raises(InputError) as caught:
        preflight(connect(url), Needs(workers=3))
    assert str(caught.value) == sentence


def test_an_autoscaler_s_maxima_count_as_room() -> None:
    grows = [{"cpus": 8.0, "gpus": 0.0, "most": 1.0}, {"cpus": 16.0, "gpus": 2.0, "most": 4.0}]
    assert check_room(Needs(8), TWO_GPUS, grows).ok
    too_many = check_room(Needs(9), TWO_GPUS, grows)
    assert (too_many.ok, too_many.todo) == (False, "allowed are 1 to 8")
    assert "grows to 8 workers" in too_many.says


def test_gpus_are_asked_for_only_where_there_are_any() -> None:
    assert check_room(Needs(2, cpus=4), [Node(8, 0)]).ok
    assert not check_room(Needs(3, cpus=4), [Node(8, 0)]).ok
    assert check_room(Needs(4, gpus=0.5), [Node(8, 2)]).ok


def test_a_command_that_takes_what_there_is_fits_anywhere() -> None:
    assert check_room(Needs(), []).ok


def test_the_launcher_s_file_tells_how_far_a_cluster_grows() -> None:
    config = {
        "max_workers": 6,
        "head_node_type": "head",
        "available_node_types": {
            "head": {"resources": {"CPU": 4}},
            "gpu": {"resources": {"CPU": 16, "GPU": 1}, "max_workers": 20},
        },
    }
    assert _of_launcher(config) == [{"cpus": 4, "gpus": 0, "most": 1}, {"cpus": 16, "gpus": 1, "most": 6}]
