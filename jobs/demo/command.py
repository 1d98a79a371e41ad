"""`rayfill demo`: the whole life of a model in under five minutes, each step a command that you could type yourself."""

import argparse
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jobs import evaluate, ingest, promote, train
from jobs.arguments import Parser, build_parser, duration, verb
from jobs.demo.photographs import photographs, write_tiles
from jobs.demo.stages import Stages
from rayfill.spec.duration import format_duration
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

STEPS = (ingest, train, evaluate, promote)
RECIPE = Path(__file__).parents[1] / "recipes" / "demo.yaml"
STAGES = 6
LOG = "log.txt"
"""Name of the file, beside the picture, with what the stages print."""


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "demo", "rayfill demo --for 10min")
    parser.add_argument("--for", type=duration, metavar="TIME", dest="time", help="training time (default: the recipe's)")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Ingest, train, evaluate, promote, serve and inpaint; then print the paths of the results."""
    locations = Locations(args.root)
    if not locations.root.startswith("file://"):
        raise InputError(f"--root {args.root}: the demo works in a local folder")
    folder = Path(locations.root.removeprefix("file://")) / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    stages = Stages(STAGES, folder / LOG)
    with ExitStack() as stack:
        with stages.stage("start Ray on this machine", "rayfill demo"):
            from rayfill.cluster.local import local_ray

            stack.enter_context(local_ray(dashboard=True))
        made = _carry(stages, folder, args.root, ["--for", args.time] if args.time else [])
        with stages.output_to_log():
            stack.close()
    seconds = time.monotonic() - began
    print(f"\n{made.pop('table')}\n")
    if made["refusal"]:
        print(f"not promoted: {made['refusal']}\n")
    lines = {"look at": made["picture"], "report": made["report"], "log": folder / LOG, "took": format_duration(seconds)}
    print("\n".join(f"{name:<10}{value}" for name, value in lines.items()))
    print(f"and now   rayfill serve --model {made['served']}   (a page to paint holes on)")
    return {**made, "minutes": seconds / 60, "stages": stages.seconds}


def _carry(stages: Stages, folder: Path, root: str, length: list[str]) -> dict[str, Any]:
    """Run every stage after Ray has started, and return their results."""
    from rayfill.evaluation.scorecard import Scorecard
    from rayfill.registry.gate import GateRefused

    tiles, report = folder / "tiles", folder / "report"
    with stages.stage(f"ingest {len(photographs())} photographs", f"rayfill ingest {tiles} demo"):
        write_tiles(tiles)
        _run(["ingest", str(tiles), "demo", "--val-share", "0.15", "--shard-mib", "1"], root)
    with stages.stage("train on two workers", f"rayfill train {RECIPE} --data demo --workers 2"):
        trained = _run(["train", str(RECIPE), "--data", "demo", "--workers", "2", *length], root)
    model, alias = f"{trained['model']}/{trained['version']}", f"{trained['model']}@champion"
    with stages.stage("evaluate beside the classical methods", f"rayfill evaluate {model} --data demo"):
        evaluated = _run(["evaluate", model, "--data", "demo", "--report", str(report)], root)
    refusal = None
    with stages.stage("promote", f"rayfill promote {model}"):
        try:
            _run(["promote", model, "--why", "the demo"], root)
        except GateRefused as error:  # a model that trained too briefly must not become champion; one can look at it
            alias, refusal = model, str(error)
    with stages.stage("serve, and inpaint a photograph", f"rayfill serve --model {alias}"):
        from jobs.demo.picture import ask_for_picture

        url, picture = ask_for_picture(alias, root, folder, _free_port())
    from rayfill.evaluation.table import format_comparison

    card = Scorecard.model_validate(evaluated["scorecard"])
    return {
        "model": model,
        "served": alias,
        "refusal": refusal,
        "url": url,
        "picture": str(picture),
        "report": str(report / "index.html"),
        "table": format_comparison(card),
    }


def _run(words: list[str], root: str) -> dict[str, Any]:
    """Run a command as if it had been typed."""
    args = build_parser(STEPS).parse_args([*words, "--root", root])
    result: dict[str, Any] = args.run(args)
    return result


def _free_port() -> int:
    """A free TCP port: the demo must not fail in its last minute because 8000 is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
