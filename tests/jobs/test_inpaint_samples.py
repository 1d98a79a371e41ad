"""`rayfill inpaint --samples`: several answers for one picture, and who is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from jobs.cli import main
from rayfill.inference.model_folder import save_model
from rayfill.spec.loading.document import load_spec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system

Pixels = npt.NDArray[np.uint8]
SMALL = Path(__file__).parent.parent / "systems" / "small" / "dual-path.yaml"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dual path with fresh weights."""
    folder = tmp_path_factory.mktemp("models") / "dual"
    recipe = load_spec(SMALL, Recipe, [])
    torch.manual_seed(0)
    system = build_system(recipe.system)
    lineage = Lineage(
        run="dual-1", step=1, recipe={}, recipe_digest="0" * 64, dataset="file:///d", dataset_digest="0" * 64,
        code_version="0", seed=0, workers=1,
    )  # fmt: skip
    save_model(folder, system, system.state_dict(), recipe, lineage)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photos/a.png and photos/b.png with masks of their names."""
    rng = np.random.default_rng(0)
    hole = np.zeros((40, 61), np.uint8)
    hole[8:24, 16:48] = 255
    for kind in ("photos", "masks"):
        (tmp_path / kind).mkdir()
        for name in ("a", "b"):
            pixels = hole if kind == "masks" else rng.integers(0, 256, (*hole.shape, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / kind / f"{name}.png")
    return tmp_path


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def command(folder: Path, model: Path, *more: str) -> list[str]:
    photo, mask = folder / "photos/a.png", folder / "masks/a.png"
    return ["inpaint", str(photo), "--mask", str(mask), "-o", str(folder / "out.png"), "--model", str(model), *more]


def test_n_different_answers_are_written_and_known_pixels_stay(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(folder, model, "--samples", "3", "--json")) == 0
    shown = capsys.readouterr().out.splitlines()
    files = [folder / f"out-{n}.png" for n in (1, 2, 3)]
    assert json.loads(shown[-1])["outputs"] == [str(file) for file in files]
    assert shown[0] == f"1 picture filled 3 times by dual-path: {files[0]} to {files[2]}"
    assert not (folder / "out.png").exists()
    answers = [pixels(file) for file in files]
    hole = pixels(folder / "masks/a.png")[..., 0] > 0
    for answer in answers:
        np.testing.assert_array_equal(answer[~hole], pixels(folder / "photos/a.png")[~hole])
    assert len({answer.tobytes() for answer in answers}) == 3


def test_a_seed_gives_the_same_answer_again_whichever_sample_it_is(folder: Path, model: Path) -> None:
    assert main(command(folder, model, "--samples", "3", "--seed", "7")) == 0
    third = pixels(folder / "out-3.png")
    assert main(command(folder, model, "--samples", "1", "--seed", "9")) == 0
    np.testing.assert_array_equal(pixels(folder / "out-1.png"), third)


def test_without_samples_there_is_the_one_answer(folder: Path, model: Path) -> None:
    assert main(command(folder, model)) == 0
    first = pixels(folder / "out.png")
    assert main(command(folder, model)) == 0
    np.testing.assert_array_equal(pixels(folder / "out.png"), first)


def test_a_folder_gets_numbered_answers_for_every_picture(folder: Path, model: Path) -> None:
    words = ["inpaint", str(folder / "photos"), "--mask", str(folder / "masks"), "-o", str(folder / "out")]
    assert main([*words, "--model", str(model), "--samples", "2"]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a-1.png", "a-2.png", "b-1.png", "b-2.png"]


def test_a_model_with_one_answer_is_refused_and_those_with_many_are_named(
    folder: Path, make_model: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    make_model(folder / "one")
    assert main(command(folder, folder / "one", "--samples", "2")) == 2
    said = capsys.readouterr().err
    assert "--samples: model 'tiny' (gdn) has one answer for a picture; models of dual_path" in said
    assert not list(folder.glob("out*"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--seed", "1"], "--seed: chooses among samples; set their number with --samples"),
        (["--samples", "0"], "'0' is not a whole number of at least 1"),
        (["--samples", "1", "--seed", "-1"], "'-1' is not a whole number from 0 to 2147483647"),
        (["--samples", "1", "--seed", "2147483648"], "'2147483648' is not a whole number from 0 to 2147483647"),
    ],
)
def test_inpaint_samples_refuses_invalid_options(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert main(command(folder, model, *more)) == 2
    assert sentence in capsys.readouterr().err
    assert not list(folder.glob("out*"))


def test_a_sample_never_overwrites_an_input(folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "photos/a.png").rename(folder / "photos/a-2.png")
    photo = pixels(folder / "photos/a-2.png")
    words = ["inpaint", str(folder / "photos/a-2.png"), "--mask", str(folder / "masks/a.png")]
    assert main([*words, "-o", str(folder / "photos/a.png"), "--model", str(model), "--samples", "2"]) == 2
    assert "a-2.png: that would overwrite an input" in capsys.readouterr().err
    np.testing.assert_array_equal(pixels(folder / "photos/a-2.png"), photo)
