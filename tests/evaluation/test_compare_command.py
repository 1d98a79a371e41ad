"""`rayfill compare` and protocol files, as a user calls them, on real photographs."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from jobs.protocol_files import SHIPPED, load_protocol
from rayfill.data.dataset import open_dataset
from rayfill.evaluation.photographs import Photographs
from rayfill.masks.mask_set import generate_mask_set
from rayfill.spec.errors import InputError

PROTOCOL = """name: small
geometry: crop
size: 64
masks:
  families: [{kind: irregular}, {kind: rectangle}]
  seed: 1
  per_bucket: 4
  buckets: ['(0.01,0.1]', '(0.1,0.2]']
report:
  - {metric: ssim}
  - {metric: sharpness, area: hole}
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(PROTOCOL)
    return file


def test_two_models_are_compared_on_a_page_without_scripts(
    tmp_path: Path, photographs_url: str, make_model: Callable[..., object], protocol: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [str(tmp_path / name) for name in ("first", "second")]
    for seed, folder in enumerate(models):
        make_model(Path(folder), seed=seed)
    common = ["--data", photographs_url, "--root", str(tmp_path / "root"), "--protocol", str(protocol), "--serial"]
    assert main(["compare", *models, *common, "--report", str(tmp_path / "page"), "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out.splitlines()[-1])
    (comparison,) = result["comparisons"]
    rows = {row["where"]: row for row in comparison["leading"]["rows"]}
    assert list(rows) == ["(0.01,0.1]", "(0.1,0.2]", "all"]
    total = rows["all"]
    assert total["low"] <= total["gain"] <= total["high"]
    assert total["gain"] == pytest.approx(total["second"] - total["first"])
    assert total["verdict"] in ("better", "worse", "not told apart")
    assert "95 % interval" in said.out
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("<img") == page.count('src="data:image/jpeg') >= 6
    assert 'class="forest"' in page
    assert "<script" not in page
    assert re.search(r"https?:|@import|url\(", page) is None

    assert main(["compare", *models, *common, "--metric", "psrn"]) == 2
    assert "metric 'psrn': the protocol has none such (did you mean 'psnr'?)" in capsys.readouterr().err


def test_evaluate_takes_a_protocol_file_and_prints_its_columns(
    tmp_path: Path, photographs_url: str, model_folder: Path, protocol: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", photographs_url, "--root", str(tmp_path / "root"), "--serial", "--images", "2"]
    assert main(["evaluate", str(model_folder), *common, "--protocol", str(protocol), "--json"]) == 0
    out = capsys.readouterr().out
    assert "2 photographs of val cut out at 64 px, mask set small-64" in out
    assert re.search(r"method\s+SSIM\s+sharpness", out)
    stated = json.loads(out.splitlines()[-1])["scorecard"]["protocol"]
    assert (stated["geometry"], stated["buckets"]) == ("crop", ["(0.01,0.1]", "(0.1,0.2]"])
    assert main(["evaluate", str(model_folder), *common, "--protocol", "nativ"]) == 2
    assert "no file and no shipped protocol 'nativ' (did you mean 'native'?)" in capsys.readouterr().err


def test_crops_are_at_the_photographs_own_resolution(photographs_url: str) -> None:
    dataset = open_dataset(photographs_url)
    crops, squashed = (Photographs(dataset, "val", 64, geometry=geometry) for geometry in ("crop", "squash"))
    from rayfill.data.images.decode import decode

    pixels = decode(dataset.read("val", 0)[1])
    found = crops.load(0)
    top, left = (pixels.shape[0] - 64) // 2, (pixels.shape[1] - 64) // 2
    np.testing.assert_array_equal(found.pixels, pixels[top : top + 64, left : left + 64])
    assert found.side == min(pixels.shape[:2])
    assert not np.array_equal(found.pixels, squashed.load(0).pixels)
    assert Photographs(dataset, "val", 128, geometry="crop").load(0).pixels.shape == (128, 128, 3)


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_every_shipped_protocol_makes_its_masks(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol is not None
    spec = protocol.mask_set(protocol.size or 64)
    few = spec.model_copy(update={"per_bucket": min(3, spec.per_bucket)})
    assert set(generate_mask_set(few).bits) == set(protocol.masks.buckets)


def test_masks_of_several_families_take_turns_and_an_unknown_bucket_is_named(protocol: Path, tmp_path: Path) -> None:
    made = load_protocol(str(protocol))
    assert made is not None
    assert [made.mask_set(64).family_of(number).kind for number in range(3)] == ["irregular", "rectangle", "irregular"]
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(PROTOCOL.replace("(0.1,0.2]", "(0.1,0.3]"))
    with pytest.raises(InputError, match=r"unknown bucket '\(0.1,0.3\]'"):
        load_protocol(str(wrong))
