"""`rayfill runs`: what runs and ran, on a cluster or under the root: state, progress, time left."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jobs.arguments import Parser, verb
from jobs.cluster_option import add_cluster_option, address_or_none, connected
from rayfill.cluster.job_command import parse_labels
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.cluster.cluster_jobs import ClusterJob
    from rayfill.spec.run_progress import RunProgress

STATES = ("pending", "running", "succeeded", "failed", "stopped")
HEADS = ("name", "command", "state", "who", "started (UTC)", "progress", "time left", "labels")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "runs", "rayfill runs --mine --state running --address http://head:8265")
    parser.add_argument("--mine", action="store_true", help="only what you submitted")
    parser.add_argument("--state", choices=STATES, help="only those in this state")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", dest="labels", help="only those with it")
    parser.add_argument("--attempts", action="store_true", help="every attempt, not the latest of each name alone")
    add_cluster_option(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print a table, the latest first. Without a cluster: the training runs under the root."""
    wanted = parse_labels(args.labels)
    rows = _of_root(args) if address_or_none(args) is None else _of_cluster(args, wanted)
    if rows:
        print(_table([HEADS, *(tuple(str(row[key]) for key in _KEYS) for row in rows)]))
    else:
        print("nothing runs or ran that was asked for")
    return {"runs": rows}


_KEYS = ("name", "verb", "state", "user", "started", "progress", "left", "labels")


def _of_cluster(args: argparse.Namespace, wanted: dict[str, str]) -> list[dict[str, object]]:
    from rayfill.cluster.cluster_jobs import list_jobs
    from rayfill.cluster.submit import this_user

    jobs = list_jobs(connected(args))
    if not args.attempts:
        latest: dict[str, ClusterJob] = {}
        for job in jobs:
            latest.setdefault(job.name, job)
        jobs = list(latest.values())
    chosen = [
        job
        for job in jobs
        if (not args.mine or job.user == this_user())
        and (args.state is None or job.state == args.state)
        and wanted.items() <= job.labels.items()
    ]
    return [_row(job) for job in chosen]


def _row(job: "ClusterJob") -> dict[str, object]:
    progress = _progress(job.root, job.name) if job.verb == "train" else None
    return {
        "name": job.name,
        "job": job.id,
        "verb": job.verb,
        "state": job.state,
        "user": job.user,
        "started": f"{job.started:%Y-%m-%d %H:%M}" if job.started else "-",
        **_progress_cells(progress if job.live or job.state == "succeeded" else None, job.live),
        "labels": ",".join(f"{key}={value}" for key, value in job.labels.items()) or "-",
    }


def _of_root(args: argparse.Namespace) -> list[dict[str, object]]:
    """The runs under the root, as they describe themselves."""
    from rayfill.storage.open_store import open_store
    from rayfill.training.run_directory import SPEC

    if args.mine or args.labels or args.attempts:
        raise InputError("rayfill runs: --mine, --label and --attempts are about a cluster's jobs; name it with --address")
    locations = Locations(args.root)
    keys = [entry.key for entry in open_store(locations.runs).list()]
    names = [key.removesuffix(f"/{SPEC}") for key in keys if key.endswith(f"/{SPEC}") and key.count("/") == 1]
    rows = []
    for name, progress in ((name, _progress(locations.root, name)) for name in names):
        state = _STATE_OF[progress.state] if progress else "pending"
        if args.state in (None, state):
            updated = progress.updated[:16].replace("T", " ") if progress else "-"
            rows.append(
                {"name": name, "job": None, "verb": "train", "state": state, "user": "-", "started": updated, "labels": "-"}
                | _progress_cells(progress, state == "running")
            )
    return sorted(rows, key=lambda row: str(row["started"]), reverse=True)


_STATE_OF = {"running": "running", "finished": "succeeded", "stopped": "stopped", "failed": "failed"}


def _progress(root: str, name: str) -> "RunProgress | None":
    """What a run says of itself, where this machine reaches its root."""
    from rayfill.training.monitoring.progress_file import read_progress

    try:
        return read_progress(root, name)
    except (Failed, InputError, OSError):
        return None


def _progress_cells(progress: "RunProgress | None", live: bool) -> dict[str, object]:
    from rayfill.spec.duration import format_duration

    if progress is None:
        return {"progress": "-", "left": "-", "step": None, "steps": None, "eta_s": None}
    left = format_duration(progress.eta_s) if live and progress.eta_s is not None else "-"
    shown = f"{progress.step}/{progress.steps} {100 * progress.step // progress.steps} %"
    return {"progress": shown, "left": left, "step": progress.step, "steps": progress.steps, "eta_s": progress.eta_s}


def _table(rows: Sequence[Iterable[str]]) -> str:
    cells = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
