"""`rayfill models`, `promote` and `rollback` as a user types them, on a real dataset and a real registry."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.cli import main
from rayfill.registry.register import register
from rayfill.registry.resolve import resolve_model
from rayfill.spec.locations import Locations

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def rayfill(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`rayfill("models", ...)`: exit code, stdout and stderr of a command on the test's root."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--root", str(root)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def photos(rayfill: Run, tmp_path: Path) -> str:
    """A dataset of eight smooth photographs."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(8):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        small.resize((48, 48), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    assert rayfill("ingest", str(folder), "photos", "--val-share", "0.5", "--serial")[0] == 0
    return "photos"


def test_an_empty_registry_is_told_as_such(rayfill: Run) -> None:
    code, out, _ = rayfill("models", "--json")
    assert code == 0
    assert "no model is registered" in out
    assert json.loads(out.splitlines()[-1]) == {"models": []}


def test_from_a_run_to_a_champion_and_back(
    rayfill: Run, photos: str, root: Path, tmp_path: Path, make_model: Callable[..., object]
) -> None:
    dataset = f"file://{root}/datasets/{photos}"
    for seed in (1, 2):
        make_model(root / "runs" / f"tiny-{seed}" / "model", run=f"tiny-{seed}", seed=seed, dataset=dataset)
    lenient = tmp_path / "lenient.yaml"
    shipped = Path("jobs/releases/default.yaml").read_text()
    assert "odd_masks: true" in shipped
    lenient.write_text(shipped)

    # Weights that were never trained do not beat a classical method: the gate of an empty seat is a real one.
    code, _, err = rayfill("promote", "tiny-1", "--serial", "--images", "2")
    assert code == 1
    assert "tiny/1 does not become champion: composited psnr (whole) in all" in err
    assert "of 2 photographs, and fewer than 6 say nothing of others" in err

    register_champion_by_hand(root)
    code, out, err = rayfill(
        "promote", "tiny-2", "--serial", "--images", "2", "--release", str(lenient), "--force", "--why", "a try", "--json"
    )
    assert code == 0, err
    assert "FAIL  composited psnr (whole) in all" in out, "what is forced is judged all the same"
    assert "pass  known pixels of 12 answers are untouched" in out
    assert "pass  every odd mask is answered, known pixels untouched" in out
    assert "tiny/2 is now tiny@champion, which was tiny/1 although" in out
    event = json.loads(out.splitlines()[-1])
    assert (event["from_version"], event["to_version"], event["why"]) == (1, 2, "a try")
    assert event["forced"], "the log has the reasons for which the gate refused"
    assert set(event["judged"]["numbers"]) == {"all", *[f"({a},{b}]" for a, b in zip(*EDGES, strict=True)]}

    code, out, _ = rayfill("models", "--json")
    rows = json.loads(out.splitlines()[-1])["models"]
    assert [(row["version"], row["aliases"], row["run"]) for row in rows] == [(2, ["champion"], "tiny-2"), (1, [], "tiny-1")]
    assert all(row["psnr"] is not None for row in rows)
    assert "champion" in out.splitlines()[1]

    code, _, err = rayfill("promote", "tiny-2", "--serial", "--images", "2")
    assert code == 2
    assert "tiny/2 is champion already" in err

    code, out, _ = rayfill("rollback", "--why", "it was only a try")
    assert code == 2, "the log knows of one promotion only, and what came before was set by hand"


EDGES = (["0.01", "0.1", "0.2", "0.3", "0.4", "0.5"], ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"])


def register_champion_by_hand(root: Path) -> None:
    from rayfill.registry.mlflow_place import client, mlflow_place

    client(mlflow_place(Locations(str(root)))).set_registered_model_alias("tiny", "champion", "1")


def test_rollback_finds_the_only_champion(rayfill: Run, root: Path, tmp_path: Path, make_model: Callable[..., object]) -> None:
    from rayfill.registry.alias import Move, move_alias, standing

    locations = Locations(str(root))
    for seed in (1, 2):
        make_model(tmp_path / str(seed), seed=seed)
        register(tmp_path / str(seed), locations)
        assert move_alias(locations, standing(locations, "tiny", "champion"), Move("promote", seed, "", None))
    code, out, _ = rayfill("rollback", "--why", "halos")
    assert code == 0
    assert "tiny@champion was tiny/2 and is tiny/1 again" in out
    code, _, err = rayfill("rollback", "tiny")
    assert code == 2
    assert "tiny@champion: cannot roll back, the audit log has no earlier champion" in err


def test_wrong_words_get_exit_code_2_and_a_sentence(rayfill: Run, tmp_path: Path, make_model: Callable[..., object]) -> None:
    make_model(tmp_path / "model")
    model = str(tmp_path / "model")
    (tmp_path / "wrong.yaml").write_text("metrc: psnr\n")
    for arguments, sentence in (
        (("rollback",), "NAME is missing, and no model has 'champion'"),
        (("rollback", "tiny"), "model 'tiny': not in the registry"),
        (("promote", "tinny@champion"), "no registered model 'tinny'"),
        (("promote", model, "--release", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("promote", model, "--release", str(tmp_path / "wrong.yaml")), "metrc: unknown key (did you mean 'metric'?)"),
        (("promote", model, "--to", "Latest", "--data", "photos", "--serial"), "--to Latest: an alias is lower-case"),
        (("promote", model, "--data", "nowhere", "--serial"), "nowhere"),
        (("promote", model, "--data", "photos", "--force", "--serial"), "--force: say why, as the log will"),
        (("promote", model, "--images", "0"), "'0' is not a whole number of at least 1"),
    ):
        code, _, err = rayfill(*arguments)
        assert code == 2, (arguments, err)
        assert sentence in err


def test_every_command_refuses_a_version_whose_files_were_changed_after_it_was_registered(
    rayfill: Run, photos: str, root: Path, tmp_path: Path, make_model: Callable[..., object]
) -> None:
    folder = root / "runs" / "tiny-1" / "model"
    make_model(folder, run="tiny-1")
    assert register(folder, Locations(str(root))) == 1
    make_model(tmp_path / "other", run="tiny-1", seed=9)
    version = resolve_model("tiny/1", Locations(str(root))).folder
    for path in (tmp_path / "other").iterdir():
        shutil.copyfile(path, version / path.name)  # other weights, and a card that names them
    picture, mask = tmp_path / "photographs" / "0.png", tmp_path / "mask.png"
    Image.fromarray(np.pad(np.full((8, 8), 255, np.uint8), 20)).save(mask)
    for command in (
        ["inpaint", str(picture), "--mask", str(mask), "-o", str(tmp_path / "out.png"), "--model", "tiny/1"],
        ["evaluate", "tiny/1", "--data", photos],
        ["promote", "tiny/1", "--why", "a test"],
        ["serve", "--model", "tiny/1"],
    ):
        code, _, err = rayfill(*command)
        assert (code, "model.json was changed after it was registered" in err) == (1, True), (command, err)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "command", [["models"], ["promote", "tiny/1", "--why", "a test"], ["rollback", "tiny"], ["serve", "--model", "tiny/1"]]
)
def test_every_command_on_a_bucket_without_a_registry_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main([*command, "--root", "s3://bucket/team"]) == 2
    assert "MLFLOW_TRACKING_URI: not set, and MLflow's database cannot lie in s3://bucket/team" in capsys.readouterr().err


def test_a_version_is_found_from_any_folder(
    root: Path,
    tmp_path: Path,
    make_model: Callable[..., object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root.parent)
    make_model(root / "runs" / "tiny-1" / "model", run="tiny-1")
    assert register(root / "runs" / "tiny-1" / "model", Locations(root.name)) == 1
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["models", "--root", str(root)]) == 0
    assert "tiny" in capsys.readouterr().out
