"""`rayfill`: one console script, a verb a file.

Results go to stdout, progress to stderr. Exit codes: 0 done, 2 the input is wrong, 1 anything else.
"""

import json
import sys
from collections.abc import Sequence

from jobs.arguments import build_parser
from jobs.verbs import VERBS, load_verbs
from rayfill.cluster.ray_environment import set_ray_environment
from rayfill.data.disk_full import is_disk_full
from rayfill.spec.errors import Failed, InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    set_ray_environment()
    try:
        named = [word for word in words[:1] if word in VERBS]  # the others' modules would be imported for nothing
        args = build_parser(load_verbs(named)).parse_args(words)
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
    except Exception as error:
        if not is_disk_full(error):
            raise
        print(
            "rayfill: the disk is full; nothing that was finished is lost: free some space and type the command again",
            file=sys.stderr,
        )
        return 1
    if args.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
