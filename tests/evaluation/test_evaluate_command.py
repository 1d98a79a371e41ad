"""`rayfill evaluate` as a user calls it."""

import argparse
import json
from pathlib import Path

import pytest

from jobs import evaluate
from jobs.arguments import Parser
from rayfill.evaluation.scorecard import read_scorecard
from rayfill.spec.errors import InputError

MASKS = "name: tiny\nfamily: {kind: irregular}\nseed: 3\nsize: 64\nper_bucket: 1\n"


def parse(*words: str) -> argparse.Namespace:
    parser = Parser(prog="rayfill", allow_abbrev=False)
    evaluate.add_parser(parser.add_subparsers(dest="verb"))
    return parser.parse_args(["evaluate", *words])


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(MASKS)
    return file


def test_evaluate_command_prints_the_table_and_writes_the_report(
    tmp_path: Path, model_folder: Path, photographs_url: str, masks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [str(model_folder), "--data", photographs_url, "--root", str(tmp_path / "root"), "--mask-set", str(masks)]
    result = evaluate.run(parse(*common, "--images", "3", "--serial", "--report", str(tmp_path / "report")))
    out = capsys.readouterr().out
    assert "3 photographs of val at 64 px, mask set tiny" in out
    assert "navier_stokes" in out
    stored = read_scorecard((tmp_path / "report" / "scorecard.json").read_bytes(), "report")
    assert json.loads(json.dumps(result["scorecard"])) == stored.model_dump(mode="json")
    assert result["digest"] == stored.digest()
    assert result["report"] == str(tmp_path / "report" / "index.html")
    assert (tmp_path / "report" / "index.html").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--data", "x", "--images", "0"], r"'0' is not a whole number of at least 1"),
        (["--data", "x", "--imges", "3"], r"unknown argument '--imges' \(did you mean '--images'\?\)"),
        ([], r"the following arguments are required: --data"),
    ],
)
def test_wrong_arguments_are_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse("model", *words)


def test_a_mask_set_with_a_misspelt_key_is_refused(masks: Path) -> None:
    masks.write_text(MASKS.replace("per_bucket", "per_buket"))
    with pytest.raises(InputError, match=r"tiny.yaml:5: per_buket: unknown key \(did you mean 'per_bucket'\?\)"):
        evaluate.run(parse("model", "--data", "x", "--mask-set", str(masks)))


def test_a_report_that_is_a_file_is_refused(masks: Path) -> None:
    with pytest.raises(InputError, match=r"--report: .*tiny.yaml is a file; name a folder"):
        evaluate.run(parse("model", "--data", "x", "--report", str(masks)))


def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path, model_folder: Path) -> None:
    with pytest.raises(InputError, match=r"there is no dataset here"):
        evaluate.run(parse(str(model_folder), "--data", "nothing", "--root", str(tmp_path), "--serial"))
