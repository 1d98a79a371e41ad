"""Several test processes: whatever uses one Ray in one of them; the others take file by file, the longest first.

pytest-xdist's own groups do not work here: xdist 3.8 renames items by a field that pytest 9.2 no longer has.
"""

import signal
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
STARTS_RAY = ("tests/integration/", "tests/jobs/test_serve_commands.py")
"""Beginnings of files that start a Ray of their own in the process that has the session's."""
HEAD = "tests/cluster/head/"
"""Files that share one Ray head, to which they submit jobs."""
LONG = (HEAD, "tests/benchmarks/test_loader.py")
"""Files that take minutes, for the processes without Ray: begun last, they would keep everything waiting."""
FIXTURE = "ray_cluster"


@cache
def needs_ray(file: str) -> bool:
    """Whether a test file, by its path in the repository, starts Ray or uses the session's."""
    return file.startswith(STARTS_RAY) or FIXTURE in (ROOT / file).read_text()


class OneProcessForRay(LoadScopeScheduling):
    """A unit of work is a file, or all files that need Ray, or all that submit jobs to one head."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "ray" if needs_ray(file) else HEAD if file.startswith(HEAD) else file


def pytest_configure(config: pytest.Config) -> None:
    """A process of xdist ignores Ctrl-C, and so would every command that a test starts in it or interrupts."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneProcessForRay:
    return OneProcessForRay(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs Ray takes longest and begins, then what is long by itself."""

    def rank(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        return 0 if needs_ray(file) else 1 if file.startswith(LONG) else 2

    items.sort(key=rank)
