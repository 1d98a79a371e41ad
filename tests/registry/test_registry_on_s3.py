"""With an s3:// root everything but the database lies in the bucket, and comes from there into the cache."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_card import load_card
from rayfill.registry.fetch import run_folder
from rayfill.registry.promote import promote
from rayfill.registry.register import register_run
from rayfill.registry.resolve import resolve_model
from rayfill.spec.locations import Locations
from rayfill.spec.release import Release
from rayfill.storage.open_store import open_store


@pytest.fixture
def locations(s3_url: str, tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> Locations:
    """A bucket with the finished run tiny-1, and a database that has nothing to do with the working directory."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/team.db")
    make_model(tmp_path / "made", run="tiny-1")
    found = Locations(s3_url)
    for path in (tmp_path / "made").iterdir():
        open_store(found.run_model("tiny-1")).upload(path.name, path)
    return found


def test_a_run_becomes_a_champion_and_is_fetched_once(
    locations: Locations,
    tmp_path: Path,
    release: Release,
    make_evaluation: Callable[..., Evaluation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # where the cache is
    weights = (tmp_path / "made" / "weights.safetensors").read_bytes()
    folder = run_folder("tiny-1", locations)
    assert (folder / "weights.safetensors").read_bytes() == weights

    assert folder.is_relative_to(tmp_path / "home" / ".cache" / "rayfill")

    assert register_run("tiny-1", locations) == 1
    event = promote("tiny/1", locations, "champion", release, lambda folder, size: make_evaluation(25.0), "first").event
    assert event.to_version == 1
    keys = [entry.key for entry in open_store(locations.root).list()]
    assert any(key.startswith("mlflow-artifacts/") and key.endswith("weights.safetensors") for key in keys)
    assert json.loads(open_store(locations.root).read("audit/tiny/00000001.json"))["why"] == "first"

    elsewhere = tmp_path / "elsewhere"
    fetched = resolve_model("tiny@champion", locations, elsewhere).folder
    assert (fetched / "weights.safetensors").read_bytes() == weights
    assert load_card(fetched).lineage.run == "tiny-1"
    assert fetched.parent == elsewhere
    before = fetched.stat().st_ino
    assert resolve_model("tiny@champion", locations, elsewhere).folder.stat().st_ino == before
    assert [path.name for path in elsewhere.iterdir()] == [fetched.name], "nothing half-made stays"
