"""`rayfill`: the console script; each command is a module of this package.

Results go to stdout, progress to stderr. Exit codes: 0 done; 2 the input is wrong; 141 the reader of stdout
closed it, as shells report a broken pipe; 1 anything else.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from jobs.arguments import build_parser
from jobs.verbs import VERBS, load_verbs
from rayfill.cluster.ray_environment import set_ray_environment
from rayfill.cluster.stop_signal import stop_like_ctrl_c
from rayfill.spec.errors import Failed, InputError
from rayfill.storage.disk_full import is_disk_full


def _print_json(result: Mapping[str, object]) -> None:
    print(json.dumps(result))


def main(argv: Sequence[str] | None = None, show_json: Callable[[Mapping[str, object]], None] = _print_json) -> int:
    """Run one command and return its exit code; `show_json` prints what `--json` asks for."""
    words = list(sys.argv[1:] if argv is None else argv)
    set_ray_environment()
    stop_like_ctrl_c()
    try:
        named = [word for word in words[:1] if word in VERBS]  # only the named command's module is imported
        args = build_parser(load_verbs(named)).parse_args(words)
        from rayfill.cluster.secrets import load_secrets  # pydantic comes with it, which `rayfill --help` can do without

        load_secrets()
        result = args.run(args)
        if args.json:
            show_json(result)
        sys.stdout.flush()
    except InputError as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"rayfill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rayfill: stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of stdout, such as head(1), has closed it. Without this, Python would report the error again when it
        # flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except Exception as error:
        if not is_disk_full(error):
            raise
        print(
            "rayfill: the disk is full; free some space and type the command again (what was saved is kept)",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
