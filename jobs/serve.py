"""`rayfill serve`: serve a model over HTTP, with a web page, until Ctrl-C."""

import argparse
import signal
import sys
import threading

from jobs.arguments import Parser, add_precision, positive, verb
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "serve", "rayfill serve --model gdn@champion")
    parser.add_argument("--model", metavar="MODEL", help="name@alias, name/version, a run or a folder (default: the champion)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 lets other machines connect (default: %(default)s)"
    )
    parser.add_argument("--port", type=positive, default=8000, help="TCP port (default: %(default)s)")
    parser.add_argument(
        "--replicas", type=positive, default=1, metavar="N", help="copies of the model, one CPU each (default: %(default)s)"
    )
    add_precision(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Start, print the URL, and wait to be stopped."""
    from rayfill.registry.resolve import only_champion, resolve_model, without_alias

    locations = Locations(args.root)
    ref = without_alias(args.model or only_champion(locations), locations)
    resolved = resolve_model(ref, locations)  # first: a wrong name is reported before anything starts
    from rayfill.cluster.local import local_ray  # imports Ray and torch: only after the arguments are checked
    from rayfill.cluster.still_working import still_working

    with local_ray(dashboard=False):
        import ray

        from serving.start import start_serving

        most = max(int(ray.cluster_resources().get("CPU", 1)) - 1, 1)  # one CPU is left for decoding and encoding
        if args.replicas > most:
            raise InputError(f"--replicas {args.replicas}: at most {most} fit on this Ray, one CPU each and one to spare")
        with still_working(f"loading {resolved.name} into {args.replicas} process{'es' * (args.replicas > 1)}"):
            serving = start_serving(ref, locations.root, args.host, args.port, args.replicas, args.precision)
        shown = f"{serving.model.name}/{serving.model.shown_version}"
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # service managers send SIGTERM
        try:
            print(f"serving {shown} at {serving.url}", flush=True)
            print("Ctrl-C stops it", file=sys.stderr, flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopping", file=sys.stderr, flush=True)
        finally:
            signal.signal(signal.SIGTERM, before)
            serving.stop()
    return {"url": serving.url, "model": serving.model.name, "version": resolved.version, "digest": serving.model.digest}
