"""Several test processes: whatever needs Ray in one of them, as two cores carry one at a time; the others take file by file.

pytest-xdist's own groups do not work here: xdist 3.8 renames items by a field that pytest 9.2 no longer has.
"""

import signal
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
STARTS_RAY = ("tests/cluster/", "tests/integration/", "tests/jobs/test_serve_commands.py")
"""Beginnings of files that start a Ray of their own, which others do not name."""
FIXTURE = "ray_cluster"


@cache
def needs_ray(file: str) -> bool:
    """Whether a test file, by its path in the repository, starts Ray or uses the session's."""
    return file.startswith(STARTS_RAY) or FIXTURE in (ROOT / file).read_text()


class OneProcessForRay(LoadScopeScheduling):
    """A unit of work is a file, or all files that need Ray."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "ray" if needs_ray(file) else file


def pytest_configure(config: pytest.Config) -> None:
    """A process of xdist ignores Ctrl-C, and so would every command that a test starts in it or interrupts."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneProcessForRay:
    return OneProcessForRay(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs Ray takes longest and begins."""
    items.sort(key=lambda item: not needs_ray(item.nodeid.partition("::")[0]))
