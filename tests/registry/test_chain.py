"""The chain behind a version, and what verifying it finds when a link was altered."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.cli import main
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.registry.chain import chain_of
from rayfill.registry.register import attach_scorecard, register
from rayfill.registry.verify_version import verify_version
from rayfill.registry.versions import list_versions
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations


@pytest.fixture
def locations(
    root: Path, tmp_path: Path, make_model: Callable[..., object], make_evaluation: Callable[..., Evaluation]
) -> Locations:
    """A registered and evaluated version tiny/1, whose run and dataset are gone."""
    found = Locations(str(root))
    make_model(tmp_path / "model", run="tiny-7", dataset=f"file://{root}/datasets/photos")
    register(tmp_path / "model", found)
    attach_scorecard(found, "tiny", 1, make_evaluation(25.0))
    return found


def files_of(locations: Locations) -> Path:
    (version,) = list_versions(locations)
    return Path(version.source.removeprefix("file://")) / "artifacts" / "model"


def test_the_chain_leads_from_the_version_to_data_masks_and_code(locations: Locations) -> None:
    chain = chain_of("tiny/1", locations)
    lines = dict(chain.lines())
    assert lines["weights"] == chain.card.weights_sha256
    assert lines["run"] == "tiny-7, step 1, seed 0, 1 worker(s)"
    assert lines["dataset"].endswith("datasets/photos@" + "1" * 64)
    assert lines["licence"] == "not recorded"
    assert lines["mask set"] == "standard-32, " + "2" * 64
    assert chain.scorecard is not None
    assert lines["scorecard"] == chain.scorecard.digest()


def test_what_is_no_version_is_an_input_error(locations: Locations) -> None:
    with pytest.raises(InputError, match="name a registered version, as tiny@champion or tiny/1"):
        chain_of("tiny", locations)


def test_every_link_that_is_there_is_checked_and_the_rest_is_said_to_be_gone(locations: Locations) -> None:
    states = {check.what: check.state for check in verify_version(chain_of("tiny/1", locations), locations)}
    assert {what for what, state in states.items() if state == "ok"} >= {
        "card",
        "weights",
        "weights as registered",
        "scorecard",
        "protocol",
    }
    assert {what for what, state in states.items() if state == "gone"} == {
        "recipe of the run",
        "dataset of the run",
        "dataset",
        "mask set",
    }


def test_tampered_weights_are_found(locations: Locations, capsys: pytest.CaptureFixture[str]) -> None:
    weights = files_of(locations) / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(bytes(data))
    states = {check.what: check.state for check in verify_version(chain_of("tiny/1", locations), locations)}
    assert states["weights"] == "FAIL"
    assert main(["models", "verify", "tiny/1", "--root", locations.root]) == 1
    assert "not what is on record: weights" in capsys.readouterr().err


def test_weights_that_were_altered_together_with_their_card_are_refused(locations: Locations) -> None:
    card = files_of(locations) / "model.json"
    tree = json.loads(card.read_text()) | {"weights_sha256": "f" * 64}
    card.chmod(0o644)
    card.write_text(json.dumps(tree))
    with pytest.raises(Failed, match="was changed after it was registered"):
        chain_of("tiny/1", locations)


def test_show_prints_the_chain_and_history_its_moves(locations: Locations, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "tiny/1", "--root", locations.root, "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-1])["chain"]["run"].startswith("tiny-7")
    assert main(["history", "--root", locations.root]) == 0
    assert "no alias was moved yet" in capsys.readouterr().out
    assert main(["history", "tyny", "--root", locations.root]) == 2
    assert "not in the registry (did you mean 'tiny'?)" in capsys.readouterr().err
