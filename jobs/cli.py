"""`rayfill`: one console script, a verb a file.

Results go to stdout, progress to stderr. Exit codes: 0 done, 2 the input is wrong, 1 anything else.
"""

import json
import sys
from collections.abc import Sequence

from jobs import demo, doctor, evaluate, ingest, inpaint, models, promote, rollback, schema, serve, train
from jobs.arguments import Parser
from rayfill import __version__
from rayfill.spec.errors import Failed, InputError

VERBS = (ingest, train, evaluate, models, promote, rollback, inpaint, serve, doctor, demo, schema)


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="rayfill", description="Train, promote and serve image-inpainting models on a Ray cluster.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"rayfill {__version__}")
    commands = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for module in VERBS:
        module.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    modules = {module.__name__.rpartition(".")[2]: module for module in VERBS}
    try:
        args = build_parser().parse_args(argv)
        result = modules[args.verb].run(args)
    except InputError as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rayfill: stopped", file=sys.stderr)
        return 130
    if args.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
