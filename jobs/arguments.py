"""Parse arguments: suggest the nearest valid word for a mistyped one, and show an example for every command."""

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol, get_args

from jobs.verbs import VERBS
from rayfill import __version__
from rayfill.spec.errors import InputError, nearest


class Parser(argparse.ArgumentParser):
    """Argument parser that raises InputError where argparse would print its usage and exit."""

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Reject unknown arguments here: argparse leaves this to the outermost parser, which does not know a verb's options."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        if unknown := re.match(r"unrecognized arguments: (\S+)", message):
            options = [option for action in self._actions for option in action.option_strings]
            raise InputError(f"{self.prog}: unknown argument '{unknown[1]}'{nearest(unknown[1], options)}")
        if choice := re.match(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message):
            allowed = [name.strip(" '") for name in choice[3].split(",")]
            raise InputError(f"{self.prog}: {choice[1]}: unknown '{choice[2]}'{nearest(choice[2], allowed)}")
        raise InputError(f"{self.prog}: {message}")


class Verb(Protocol):
    """Protocol of a command's module; the module's name is the command's."""

    __name__: str

    def add_parser(self, commands: "argparse._SubParsersAction[Parser]") -> None:
        """Declare the command."""

    def run(self, args: argparse.Namespace) -> dict[str, object]:
        """Run the command, print its results, and return what `--json` prints."""


def build_parser(verbs: Iterable[Verb]) -> Parser:
    """Build the parser: full options for `verbs`, names only for other commands. `args.run` is the chosen command's `run`."""
    description = "Train, promote and serve image-inpainting models on a Ray cluster."
    parser = Parser(prog="rayfill", description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"rayfill {__version__}")
    commands = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    modules = {module.__name__.rpartition(".")[2]: module for module in verbs}
    for name, summary in VERBS.items():
        if name in modules:
            modules[name].add_parser(commands)
            commands.choices[name].set_defaults(run=modules[name].run)
        else:
            commands.add_parser(name, help=summary)
    return parser


def verb(commands: "argparse._SubParsersAction[Parser]", name: str, example: str, summary: str | None = None) -> Parser:
    """Add a subcommand with the options that all share. Its help is `summary`, by default the one in `VERBS`."""
    parser = _command(commands, name, summary or VERBS[name], example)
    parser.add_argument(
        "--root", default="./.rayfill", metavar="URL", help="where datasets, runs and models are stored (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    return parser


def group(commands: "argparse._SubParsersAction[Parser]", name: str, example: str) -> "argparse._SubParsersAction[Parser]":
    """Add a command with subcommands, such as `data`. Pass the return value to `verb` to declare each of them."""
    return _command(commands, name, VERBS[name], example).add_subparsers(metavar="COMMAND", required=True)


def _command(commands: "argparse._SubParsersAction[Parser]", name: str, summary: str, example: str) -> Parser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_precision(parser: Parser) -> None:
    """Declare `--precision` of a command that inpaints."""
    from rayfill.spec.recipe import AskedPrecision  # imports pydantic, which `rayfill --help` does not need

    parser.add_argument(
        "--precision",
        choices=get_args(AskedPrecision),
        default="auto",
        help="of convolutions; auto: bf16 where the hardware multiplies it natively, else fp32 (default: %(default)s)",
    )


def duration(text: str) -> str:
    """An argparse type: a length of time, kept as it was written."""
    from rayfill.spec.duration import parse_duration

    try:
        parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def positive(text: str) -> int:
    """An argparse type: a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def worker_range(text: str) -> tuple[int | None, int]:
    """An argparse type: `4` is (None, 4); `2..8`, from 2 to 8 workers as there is room, is (2, 8)."""
    least, dots, most = text.partition("..")
    if not dots:
        return None, positive(text)
    found = positive(least), positive(most)
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(f"'{text}' begins with the larger number; write {most}..{least}")
    return found


def natural(text: str) -> int:
    """An argparse type: a whole number from 0 to 2^31 - 1."""
    if not text.isdigit() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {2**31 - 1}")
    return int(text)
