"""`rayfill`: one console script, a verb a file.

Results go to stdout, progress to stderr. Exit codes: 0 done, 2 the input is wrong, 1 anything else.
"""

import json
import sys
from collections.abc import Sequence

from jobs import data, demo, doctor, evaluate, ingest, inpaint, models, promote, rollback, schema, serve, train, tune
from jobs.arguments import build_parser
from rayfill.spec.errors import Failed, InputError

VERBS = (ingest, data, train, tune, evaluate, models, promote, rollback, inpaint, serve, doctor, demo, schema)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        args = build_parser(VERBS).parse_args(argv)
        result = args.run(args)
    except InputError as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rayfill: stopped", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
