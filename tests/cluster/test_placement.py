"""Workers are placed on nodes, not on sums: those of a run, and those of the trials of a sweep."""

import pytest

from rayfill.cluster.placement import Node, Share, largest_share, trial_share, trials_at_once
from rayfill.spec.errors import InputError
from rayfill.spec.sweep import TrialResources

TWO_OF_EIGHT = [Node(8, 0), Node(8, 0)]
FOUR_GPUS = [Node(16, 4)]


@pytest.mark.parametrize(
    ("nodes", "workers", "share"),
    [
        ([Node(2, 0)], 1, Share(2, 0)),
        ([Node(2, 0)], 2, Share(1, 0)),
        ([Node(8, 0), Node(8, 0)], 1, Share(8, 0)),
        ([Node(8, 0), Node(8, 0)], 3, Share(4, 0)),
        ([Node(0, 0), Node(16, 4), Node(16, 4)], 8, Share(4, 1)),
        ([Node(32, 0), Node(16, 2)], 2, Share(8, 1)),
    ],
)
def test_a_share_is_the_largest_that_fits_into_the_nodes(nodes: list[Node], workers: int, share: Share) -> None:
    assert largest_share(nodes, workers) == share


@pytest.mark.parametrize(
    ("nodes", "workers", "sentence"),
    [
        ([Node(2, 0)], 3, "--workers 3: the cluster has 2 CPUs; allowed are 1 to 2"),
        ([Node(8, 2), Node(8, 0)], 3, "--workers 3: the cluster has 2 GPUs; allowed are 1 to 2"),
        ([Node(1, 4)], 2, "--workers 2: the cluster has 4 GPUs; allowed are 1 to 1"),
    ],
)
def test_more_workers_than_places_are_refused(nodes: list[Node], workers: int, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        largest_share(nodes, workers)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("wanted", "nodes", "trials"),
    [
        (TrialResources(cpus=1), TWO_OF_EIGHT, 16),
        (TrialResources(cpus=5), TWO_OF_EIGHT, 2),
        (TrialResources(cpus=0.5), [Node(2, 0)], 4),
        (TrialResources(cpus=4, workers=3), TWO_OF_EIGHT, 1),
        (TrialResources(cpus=1, gpus=1), FOUR_GPUS, 4),
        (TrialResources(cpus=1, gpus=0.25), FOUR_GPUS, 16),
        (TrialResources(cpus=0.1, gpus=0.6), FOUR_GPUS, 4),
        (TrialResources(cpus=0.1, gpus=0.1), [Node(9, 1)], 10),
        (TrialResources(cpus=1, gpus=0), FOUR_GPUS, 16),
    ],
)
def test_trials_that_fit_at_once(wanted: TrialResources, nodes: list[Node], trials: int) -> None:
    assert trials_at_once(trial_share(wanted, nodes), nodes) == trials


def test_gpus_are_asked_for_only_where_there_are_any() -> None:
    assert trial_share(TrialResources(cpus=1, gpus=1), TWO_OF_EIGHT).worker.resources == {"CPU": 1.0}
    assert trial_share(TrialResources(cpus=1, gpus=0.5), FOUR_GPUS).resources == {"CPU": 1.0, "GPU": 0.5}


def test_a_trial_of_several_workers_asks_for_no_cpu_itself() -> None:
    assert "CPU" not in trial_share(TrialResources(cpus=1, workers=2), [Node(2, 0)]).resources


def test_threads_are_the_whole_cpus_of_a_worker() -> None:
    assert [Share(cpus, 0).threads for cpus in (0.5, 1.0, 2.5, 4.0)] == [1, 1, 2, 4]


@pytest.mark.parametrize(
    ("wanted", "nodes", "sentence"),
    [
        (TrialResources(cpus=9), TWO_OF_EIGHT, r"1 worker of 9 CPUs do not fit: 2 nodes have 16 CPUs and 0 GPUs"),
        (TrialResources(cpus=1, gpus=8), FOUR_GPUS, r"1 worker of 1 CPUs and 8 GPUs do not fit"),
        (TrialResources(cpus=1, gpus=0.5, workers=2), FOUR_GPUS, r"trial.gpus: 0.5: a trial's workers cannot share a GPU"),
    ],
)
def test_placement_refuses_what_never_fits(wanted: TrialResources, nodes: list[Node], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        trial_share(wanted, nodes)
