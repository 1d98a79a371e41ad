"""A training's time is estimated from recorded runs that compute the same."""

from pathlib import Path

import pytest

from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations
from rayfill.spec.rates import Rates
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.spec.run_progress import RunProgress
from rayfill.training.estimate import estimate_training

SMALL = Path(__file__).parent.parent / "systems" / "small"


def recipe(name: str, *overrides: str) -> Recipe:
    return load_spec(SMALL / f"{name}.yaml", Recipe, list(overrides))


def record(root: Path, name: str, of: Recipe, workers: int, images_per_s: float | None, minute: int) -> None:
    run = RunSpec(
        format="rayfill-run-1",
        name=name,
        recipe=of,
        root=f"file://{root}",
        dataset="file:///photos",
        dataset_digest="1" * 64,
        workers=workers,
        code_version="test",
        created="2026-11-25T00:00:00+00:00",
    )
    progress = RunProgress(
        format="rayfill-progress-1",
        run=name,
        state="finished",
        step=1,
        steps=1,
        images_per_s=images_per_s,
        eta_s=None,
        losses={},
        data_wait=None,
        gpu_utilization=None,
        host="h",
        workers=workers,
        updated=f"2026-11-25T00:{minute:02d}:00+00:00",
        why=None,
    )
    folder = root / "runs" / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(run.model_dump_json())
    (folder / "progress.json").write_text(progress.model_dump_json())


def test_the_latest_run_of_the_same_networks_with_as_many_workers_tells_the_time(tmp_path: Path) -> None:
    gdn = recipe("gdn")
    record(tmp_path, "old", gdn, 2, 10.0, 1)
    record(tmp_path, "latest", gdn, 2, 20.0, 2)
    record(tmp_path, "alone", gdn, 1, 99.0, 3)
    record(tmp_path, "another", recipe("gated"), 2, 99.0, 4)
    record(tmp_path, "larger", recipe("gdn", "images.size=64"), 2, 99.0, 5)
    record(tmp_path, "begun", gdn, 2, None, 6)
    found = estimate_training(gdn, 2, Locations(str(tmp_path)))
    assert found is not None
    assert (found.run, found.images_per_s) == ("latest", 20.0)
    assert found.seconds == pytest.approx(gdn.steps * gdn.training.batch_size / 20.0)


def test_with_another_number_of_workers_the_speed_is_scaled(tmp_path: Path) -> None:
    gdn = recipe("gdn")
    record(tmp_path, "two", gdn, 2, 20.0, 1)
    found = estimate_training(gdn, 4, Locations(str(tmp_path)))
    assert found is not None
    assert (found.run_workers, found.images_per_s) == (2, 40.0)


def test_without_a_run_like_it_nothing_is_told(tmp_path: Path) -> None:
    assert estimate_training(recipe("gdn"), 1, Locations(str(tmp_path))) is None


def test_the_price_counts_cpus_and_gpus() -> None:
    assert Rates(currency="EUR", cpu_hour=0.1, gpu_hour=2).price(cpu_hours=10, gpu_hours=3) == "7.00 EUR"
