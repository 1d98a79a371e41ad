"""What a submitted job runs: a command as `rayfill` runs it, its results marked, so that the follower can tell them apart."""

import json
import sys
from typing import TextIO, cast

from jobs.cli import main
from rayfill.cluster.inside_job import job_metadata
from rayfill.cluster.job_command import ROOT, ROOT_ID
from rayfill.cluster.marked_output import MarkedOutput, marked_result
from rayfill.cluster.shared_root import check_root
from rayfill.spec.errors import InputError


def run() -> int:
    """Run the command of this job's command line and return its exit code."""
    known = job_metadata()
    if ROOT_ID in known:
        try:
            check_root(known[ROOT], known[ROOT_ID])
        except InputError as error:
            print(f"rayfill: {error}", file=sys.stderr)
            return 2
    sys.stdout = cast(TextIO, MarkedOutput(sys.stdout))
    return main([*sys.argv[1:], "--json"], lambda result: print(marked_result(json.dumps(result))))


if __name__ == "__main__":
    sys.exit(run())
