"""What each worker gets of a cluster."""

import pytest

from rayfill.spec.errors import InputError
from rayfill.training.share import Node, Share, largest_share


@pytest.mark.parametrize(
    ("nodes", "workers", "share"),
    [
        ([Node(2, 0)], 1, Share(2, False)),
        ([Node(2, 0)], 2, Share(1, False)),
        ([Node(8, 0), Node(8, 0)], 1, Share(8, False)),
        ([Node(8, 0), Node(8, 0)], 3, Share(4, False)),
        ([Node(0, 0), Node(16, 4), Node(16, 4)], 8, Share(4, True)),
        ([Node(32, 0), Node(16, 2)], 2, Share(8, True)),
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
