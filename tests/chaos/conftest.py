"""The small dataset and recipe of tests/training, and what a run that nothing disturbs ends with."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.spec.run import RunSpec
from rayfill.training.context import WorkerContext
from rayfill.training.worker import run_worker
from tests.chaos.scenario import Lost
from tests.training.conftest import small_recipe, small_root, small_run
from tests.training.two_processes import digest_of, two_processes

__all__ = ["small_recipe", "small_root", "small_run"]

STEPS = 24
SAVED_EVERY = 5
SETTINGS = (
    f"phases.0.steps={STEPS}",
    f"training.checkpoint_every={SAVED_EVERY}",
    "training.log_every=2",
    f"training.grid_every={STEPS}",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it is long: each test has a Ray of its own, and breaks it."""
    for item in items:
        if "tests/chaos/" in item.nodeid:
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture
def run_of(small_run: Callable[..., RunSpec], root: Path) -> Callable[..., RunSpec]:
    """`run_of("key=value", ..., workers=2)`: a run in a root of its own."""

    def make(*overrides: str, workers: int = 2, **keys: object) -> RunSpec:
        run = small_run(*SETTINGS, *overrides, run="disturbed", workers=workers)
        return run.model_copy(update={"root": f"file://{root}", **keys})

    return make


@pytest.fixture(scope="session")
def quiet_digests() -> dict[int, str]:
    """Digests of the final weights by number of workers, as they become known."""
    return {}


@pytest.fixture
def quiet(small_run: Callable[..., RunSpec], quiet_digests: dict[int, str], tmp_path: Path) -> Callable[[int], str]:
    """`quiet(workers)`: digest of the final weights of a run that nothing disturbs, without Ray."""

    def digest(workers: int) -> str:
        if workers not in quiet_digests:
            run = small_run(*SETTINGS, run="quiet", workers=workers)
            if workers == 2:
                (tmp_path / "quiet").mkdir()
                quiet_digests[2] = two_processes(run, tmp_path / "quiet")[0].weights
            else:
                place = WorkerContext(0, 1, torch.device("cpu"), 1)
                quiet_digests[1] = digest_of(run_worker(run, place, None, lambda *_: None, None).inference_weights())
        return quiet_digests[workers]

    return digest


@pytest.fixture
def report_cost(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[Lost], None]:
    """Print the test's one line: what it cost."""

    def tell(lost: Lost) -> None:
        what = request.node.name.removeprefix("test_").replace("_", " ")
        with capsys.disabled():
            print(f"\nchaos: {what}: {lost.seconds:.1f} s lost, {lost.repeated} steps repeated")

    return tell
