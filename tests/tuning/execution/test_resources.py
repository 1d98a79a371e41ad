"""How many trials a cluster has room for: workers live on nodes, not on sums."""

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.sweep import TrialResources
from rayfill.tuning.execution.resources import TrialShare, room, share_of

TWO_OF_EIGHT = [{"CPU": 8.0}, {"CPU": 8.0}]
FOUR_GPUS = [{"CPU": 16.0, "GPU": 4.0}]


@pytest.mark.parametrize(
    ("wanted", "nodes", "trials"),
    [
        (TrialResources(cpus=1), TWO_OF_EIGHT, 16),
        (TrialResources(cpus=5), TWO_OF_EIGHT, 2),
        (TrialResources(cpus=0.5), [{"CPU": 2.0}], 4),
        (TrialResources(cpus=4, workers=3), TWO_OF_EIGHT, 1),
        (TrialResources(cpus=1, gpus=1), FOUR_GPUS, 4),
        (TrialResources(cpus=1, gpus=0.25), FOUR_GPUS, 16),
        (TrialResources(cpus=0.1, gpus=0.6), FOUR_GPUS, 4),
        (TrialResources(cpus=0.1, gpus=0.1), [{"CPU": 9.0, "GPU": 1.0}], 10),
        (TrialResources(cpus=1, gpus=0), FOUR_GPUS, 16),
    ],
)
def test_trials_that_fit_at_once(wanted: TrialResources, nodes: list[dict[str, float]], trials: int) -> None:
    assert room(share_of(wanted, nodes), nodes) == trials


def test_gpus_are_asked_for_only_where_there_are_any() -> None:
    assert share_of(TrialResources(cpus=1, gpus=1), TWO_OF_EIGHT).of_worker == {"CPU": 1.0}
    assert share_of(TrialResources(cpus=1, gpus=0.5), FOUR_GPUS).of_trial == {"CPU": 1.0, "GPU": 0.5}


def test_a_trial_of_several_workers_asks_for_no_cpu_itself() -> None:
    assert "CPU" not in share_of(TrialResources(cpus=1, workers=2), [{"CPU": 2.0}]).of_trial


def test_threads_are_the_whole_cpus_of_a_worker() -> None:
    assert [TrialShare(1, cpus, 0.0).threads for cpus in (0.5, 1.0, 2.5, 4.0)] == [1, 1, 2, 4]


@pytest.mark.parametrize(
    ("wanted", "nodes", "sentence"),
    [
        (TrialResources(cpus=9), TWO_OF_EIGHT, r"1 worker of 9 CPUs find no room: 2 nodes have 16 CPUs and 0 GPUs"),
        (TrialResources(cpus=1, gpus=8), FOUR_GPUS, r"1 worker of 1 CPUs and 8 GPUs find no room"),
        (TrialResources(cpus=1, gpus=0.5, workers=2), FOUR_GPUS, r"trial.gpus: 0.5: a trial's workers cannot share a GPU"),
    ],
)
def test_what_never_fits_is_refused(wanted: TrialResources, nodes: list[dict[str, float]], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        share_of(wanted, nodes)
