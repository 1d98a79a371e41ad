"""Argument parsing with sentences: an unknown word is answered with the nearest right one, and every verb shows an example."""

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from rayfill.spec.errors import InputError, nearest

Commands = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """Raises InputError where argparse would print its usage and exit."""

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Refuses unknown arguments here and now: argparse lets the outermost parser do it, which knows no verb's options."""
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


def verb(commands: "argparse._SubParsersAction[Parser]", name: str, help: str, example: str) -> Parser:  # noqa: A002
    """A subcommand with the options that all share."""
    parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--root", default="./.rayfill", metavar="URL", help="where datasets, runs and models lie (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    return parser


def positive(text: str) -> int:
    """An argparse type: a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)
