"""The command line's surface, frozen: what users type and scripts parse must not change by accident."""

import argparse
import json
from pathlib import Path

import pytest

from jobs.arguments import build_parser
from jobs.cli import main
from jobs.verbs import VERBS, load_verbs

CLUSTER = "--address --detach --label --code --rates --dry-run"
JOB = f"{CLUSTER} --name"
SURFACE = {
    "ingest": "SOURCE DATASET --serial --val-share --shard-mib --max-side --min-side --quality --near-bits --adopt --add "
    + JOB,
    "data inspect": "DATASET --sheet",
    "data verify": "DATASET",
    "data list": "",
    "data delete": "DATASET --yes",
    "data licence": "DATASET NAME",
    "train": "RECIPE --data --workers --name --resume --set --for --wait-for-workers --grace --init --init-match "
    "--init-optimizer --freeze " + CLUSTER,
    "tune": "SWEEP --data --name --trials --set --for --workers --from --storage --retrain --show --dashboard " + CLUSTER,
    "evaluate": "MODEL --data --report --images --precision --serial --mask-set --protocol " + JOB,
    "compare": "MODEL OTHER --data --report --metric --area --images --protocol --precision --serial",
    "models": "ACTION MODEL",
    "history": "NAME",
    "promote": "MODEL --to --data --release --images --precision --why --serial --force " + JOB,
    "rollback": "NAME --to --why",
    "inpaint": "IMAGE --mask --out --model --samples --precision --seed " + JOB,
    "serve": "--model --host --port --replicas --precision --tls-cert --tls-key " + JOB,
    "runs": "--mine --state --label --attempts --address",
    "logs": "NAME --follow --address",
    "stop": "NAME --address",
    "resubmit": "NAME --detach --code --address",
    "doctor": "--address",
    "demo": "--for",
    "up": "--cpus --s3",
    "status": "",
    "down": "",
    "schema": "KIND",
}


def verbs() -> dict[str, argparse.ArgumentParser]:
    return commands_of(build_parser(load_verbs(VERBS)), "")


def commands_of(parser: argparse.ArgumentParser, words: str) -> dict[str, argparse.ArgumentParser]:
    """Every parser that has no commands of its own, by the words that lead to it."""
    action = next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)
    if action is None:
        return {words.strip(): parser}
    return {name: p for word, own in action.choices.items() for name, p in commands_of(own, f"{words} {word}").items()}


def surface(parser: argparse.ArgumentParser) -> set[str]:
    shown = [a for a in parser._actions if a.help != argparse.SUPPRESS and not isinstance(a, argparse._HelpAction)]
    names = {str(a.metavar or a.dest).upper() if not a.option_strings else a.option_strings[-1] for a in shown}
    assert names >= {"--root", "--json"}
    return names - {"--root", "--json"}


def test_every_command_has_exactly_the_arguments_that_users_know() -> None:
    assert {name: surface(parser) for name, parser in verbs().items()} == {n: set(s.split()) for n, s in SURFACE.items()}


@pytest.mark.parametrize("name", SURFACE)
def test_the_help_of_every_command_shows_an_example_that_it_accepts(name: str) -> None:
    parser = verbs()[name]
    assert parser.epilog is not None
    example = parser.epilog.splitlines()[-1].strip()
    assert example.startswith(f"rayfill {name}")
    assert f"usage: rayfill {name}" in parser.format_help()


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("rayfill: ")
    assert said.err.count("\n") == 1, "one sentence"
    return said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "unknown 'trian' (did you mean 'train'?)"),
        ([], "the following arguments are required: COMMAND"),
        (["models", "--jsn"], "unknown argument '--jsn' (did you mean '--json'?)"),
        (["data"], "rayfill data: the following arguments are required: COMMAND"),
        (["data", "verfy", "photos"], "unknown 'verfy' (did you mean 'verify'?)"),
        (["data", "inspect", "photos", "--shet", "a.png"], "unknown argument '--shet' (did you mean '--sheet'?)"),
        (["data", "inspect", "photos", "--sheet", "a.jpg"], "--sheet: a.jpg: name a .png file in a folder that exists"),
        (["schema", "recip"], "unknown 'recip' (did you mean 'recipe'?)"),
        (["evaluate", "m", "--data", "d", "--images", "0"], "'0' is not a whole number of at least 1"),
        (["doctor", "--root", "gs://x"], "gs://x: unknown scheme; allowed are file:// and s3://"),
        (["demo", "--root", "s3://bucket/x"], "--root s3://bucket/x: the demo works in a local folder"),
    ],
)
def test_invalid_arguments_exit_2_with_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, *words)


def test_json_is_the_last_line_of_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--root", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["checks"]["store"]["ok"] is True


def test_doctor_names_what_is_broken_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["doctor", "--root", str(tmp_path / "file")]) == 1
    said = capsys.readouterr()
    assert "FAIL store" in said.out
    assert "rayfill: failed: store" in said.err


@pytest.mark.parametrize("kind", ["recipe", "sweep", "release", "ingest", "maskset", "node", "protocol"])
def test_schema_prints_a_json_schema(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    import jsonschema

    assert main(["schema", kind]) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))
