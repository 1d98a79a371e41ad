"""`rayfill serve`: serve a model over HTTP, with a web page, until Ctrl-C."""

import argparse
import signal
import ssl
import sys
import threading
from pathlib import Path

from jobs.arguments import Parser, add_precision, positive, verb
from jobs.submission import JOB_NAME, add_cluster_options, cluster_address, job_command, run_there
from jobs.transfers import model_there
from rayfill.cluster.job_command import Needs
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
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="answer over HTTPS with this certificate and its chain")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="key of the certificate")
    add_precision(parser)
    add_cluster_options(parser, name=JOB_NAME)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Start, print the URL, and wait to be stopped."""
    if (address := cluster_address(args)) is not None:
        return _serve_there(args, address)
    tls = _tls(args)
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
            serving = start_serving(ref, locations.root, args.host, args.port, args.replicas, args.precision, tls)
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


def _tls(args: argparse.Namespace) -> tuple[Path, Path] | None:
    """The certificate's and the key's file; None without. InputError if one is missing, or they do not fit each other."""
    if args.tls_cert is None and args.tls_key is None:
        return None
    if args.tls_cert is None or args.tls_key is None:
        raise InputError("--tls-cert and --tls-key: HTTPS needs both")
    for option, path in (("--tls-cert", args.tls_cert), ("--tls-key", args.tls_key)):
        if not path.is_file():
            raise InputError(f"{option} {path}: no such file")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(args.tls_cert, args.tls_key)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", None) or error
        raise InputError(f"--tls-cert {args.tls_cert} --tls-key {args.tls_key}: they do not fit each other ({why})") from None
    return args.tls_cert, args.tls_key


def _serve_there(args: argparse.Namespace, address: str) -> dict[str, object]:
    """Serve as a job, from the cluster's head, until it is stopped."""
    locations = Locations(args.root)
    words = [*(["--model", model_there(args.model, locations)] if args.model else []), "--host", args.host]
    for option, path in (("--tls-cert", args.tls_cert), ("--tls-key", args.tls_key)):
        words += [option, str(path)] if path else []  # of the head: a key does not travel
    words += ["--port", str(args.port), "--replicas", str(args.replicas), "--precision", args.precision]
    return run_there(args, address, job_command(args, args.model or "champion", words, Needs(args.replicas)))
