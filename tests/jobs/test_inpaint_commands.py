"""`rayfill inpaint` as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from jobs.cli import main
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.register import register
from rayfill.spec.locations import Locations

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def model(tmp_path: Path, make_model: Callable[..., object]) -> Path:
    make_model(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photos/a.jpg, b.png (gray), c.webp with masks/a.png, b.jpg, c.png."""
    rng = np.random.default_rng(0)
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for number, (photo, mask) in enumerate((("a.jpg", "a.png"), ("b.png", "b.jpg"), ("c.webp", "c.png"))):
        size = (40 + number, 61)
        Image.fromarray(rng.integers(0, 256, size if photo == "b.png" else (*size, 3), np.uint8)).save(
            tmp_path / "photos" / photo
        )
        hole = np.zeros(size, np.uint8)
        hole[8:24, 16:32] = 255
        Image.fromarray(hole).save(tmp_path / "masks" / mask, quality=95)
    return tmp_path


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def test_one_picture(folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "new" / "filled.png"
    command = ["inpaint", str(folder / "photos/a.jpg"), "--mask", str(folder / "masks/a.png"), "-o", str(out)]
    assert main([*command, "--model", str(model), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown == {"model": "tiny", "version": None, "outputs": [str(out)]}
    hole = pixels(folder / "masks/a.png")[..., 0] > 0
    np.testing.assert_array_equal(pixels(out)[~hole], pixels(folder / "photos/a.jpg")[~hole])
    assert (pixels(out)[hole] != pixels(folder / "photos/a.jpg")[hole]).any()


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_the_answer_keeps_alpha_profile_and_resolution(folder: Path, model: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photograph, out = folder / f"layer.{kind}", folder / f"filled.{kind}"
    layer = np.random.default_rng(0).integers(0, 256, (40, 61, 4), np.uint8)
    Image.fromarray(layer).save(photograph, icc_profile=profile, dpi=(300, 300))
    assert main(["inpaint", str(photograph), "--mask", str(folder / "masks/a.png"), "-o", str(out), "--model", str(model)]) == 0
    known = pixels(folder / "masks/a.png")[..., 0] == 0
    with Image.open(out) as filled:
        assert filled.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(filled)[known], layer[known])
        assert filled.info["icc_profile"] == profile
        assert filled.info["dpi"] == pytest.approx((300, 300), rel=1e-3)


def test_the_answer_keeps_16_bits_and_what_a_file_cannot_hold_is_said(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (40, 61, 3), np.uint16)
    cv2.imwrite(str(folder / "deep.png"), deep)
    mask, known = folder / "masks/a.png", pixels(folder / "masks/a.png")[..., 0] == 0
    command = ["inpaint", str(folder / "deep.png"), "--mask", str(mask), "--model", str(model), "-o"]
    assert main([*command, str(folder / "out.png")]) == 0
    filled = cv2.imread(str(folder / "out.png"), cv2.IMREAD_UNCHANGED)
    assert filled is not None
    np.testing.assert_array_equal(filled[known], deep[known])
    assert main([*command, str(folder / "out.tif")]) == 0
    filled = cv2.imread(str(folder / "out.tif"), cv2.IMREAD_UNCHANGED)
    assert filled is not None
    np.testing.assert_array_equal(filled[known], deep[known])
    Image.open(folder / "photos/a.jpg").convert("CMYK").save(folder / "print.jpg")
    command[1] = str(folder / "print.jpg")
    assert main([*command, str(folder / "rgb.png")]) == 0
    assert "print.jpg: RGB in place of CMYK" in capsys.readouterr().err


def test_a_folder(folder: Path, model: Path) -> None:
    command = ["inpaint", str(folder / "photos"), "--mask", str(folder / "masks"), "-o", str(folder / "out")]
    assert main([*command, "--model", str(model)]) == 0
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    for photo in (folder / "photos").iterdir():
        filled = pixels(folder / "out" / f"{photo.stem}.png")
        np.testing.assert_array_equal(filled[32:], pixels(photo)[32:])
        assert (filled[10:20, 20:30] != pixels(photo)[10:20, 20:30]).any()


def test_the_champion_is_the_default(folder: Path, model: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["inpaint", str(folder / "photos/a.jpg"), "--mask", str(folder / "masks/a.png"), "-o", str(folder / "o.png")]
    command += ["--root", str(root)]
    assert main(command) == 2
    assert "--model: the registry has no champion to take" in capsys.readouterr().err
    register(model, Locations(str(root)))
    client(mlflow_place(Locations(str(root)))).set_registered_model_alias("tiny", "champion", "1")
    assert main(command) == 0
    assert "1 picture filled by tiny" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{f}/photos/x.jpg", "--mask", "{f}/masks/a.png", "-o", "{f}/o.png"], "IMAGE {f}/photos/x.jpg: no such file"),
        (["{f}/photos/a.jpg", "--mask", "{f}/masks/x.png", "-o", "{f}/o.png"], "--mask {f}/masks/x.png: no such file"),
        (["{f}/photos/a.jpg", "-o", "{f}/o.png"], "--mask: missing; model 'tiny' needs a mask of the holes"),
        (
            ["{f}/photos/a.jpg", "--mask", "{f}/masks/a.png", "-o", "{f}/o.jpg"],
            "--out {f}/o.jpg: only PNG and TIFF keep known pixels exactly",
        ),
        (["{f}/photos/b.png", "--mask", "{f}/masks/b.jpg", "-o", "{f}/photos/b.png"], "that would overwrite the input"),
        (
            ["{f}/photos/a.jpg", "--mask", "{f}/masks/b.jpg", "-o", "{f}/o.png"],
            "the mask is 61x41, and {f}/photos/a.jpg is 61x40",
        ),
        (["{f}/photos/a.jpg", "--mask", "{f}/full.png", "-o", "{f}/o.png"], "the mask covers the whole picture"),
        (
            ["{f}/photos/a.jpg", "--mask", "{f}/text.png", "-o", "{f}/o.png"],
            "{f}/text.png: the file is not a JPEG, PNG, WebP or TIFF",
        ),
        (["{f}/photos/a.jpg", "--mask", "{f}/short.png", "-o", "{f}/o.png"], "{f}/short.png: the file is damaged or cut short"),
        (["{f}/photos", "--mask", "{f}/masks/a.png", "-o", "{f}/out"], "for a folder of pictures it is a folder of masks"),
        (["{f}/photos", "--mask", "{f}/masks", "-o", "{f}/text.png"], "it is a folder, and this is a file"),
        (["{f}/photos", "--mask", "{f}/few", "-o", "{f}/out"], "--mask {f}/few: no mask for a.jpg; name it a.png"),
        (["{f}/twins", "--mask", "{f}/masks", "-o", "{f}/out"], "a.jpg and a.png would give one answer's name"),
        (["{f}/few", "--mask", "{f}/masks", "-o", "{f}/out"], "the folder has no .jpeg, .jpg, .png, .tif, .tiff, .webp file"),
        (["{f}/photos/a.jpg", "--mask", "{f}/masks/a.png"], "the following arguments are required: -o/--out"),
    ],
)
def test_inpaint_refuses_invalid_input_and_writes_nothing(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    (folder / "few").mkdir()
    (folder / "twins").mkdir()
    for name in ("a.jpg", "a.png"):
        Image.fromarray(pixels(folder / "photos/a.jpg")).save(folder / "twins" / name)
    Image.fromarray(np.full((40, 61), 255, np.uint8)).save(folder / "full.png")
    (folder / "text.png").write_text("text")
    (folder / "short.png").write_bytes((folder / "photos/b.png").read_bytes()[:900])
    filled = [argument.replace("{f}", str(folder)) for argument in arguments]
    assert main(["inpaint", *filled, "--model", str(model)]) == 2
    assert sentence.replace("{f}", str(folder)) in capsys.readouterr().err
    assert not (folder / "out").exists()
    assert not (folder / "o.png").exists()
