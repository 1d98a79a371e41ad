"""Following a job survives lost connections, and says when a cluster has forgotten the job."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from rayfill.cluster import follow as module
from rayfill.cluster.client import connect
from rayfill.cluster.follow import Log, follow, outcome
from rayfill.cluster.marked_output import MARK
from rayfill.spec.errors import Failed
from tests.fake_dashboard import VERSION

LOG = f'run big: 20 steps\nstep 10/20\nstep 20/20\n{MARK}finished\n{MARK}{MARK}{{"run": "big"}}\n'


class Dashboard:
    """A dashboard with one job. A connection to its log does the next thing of `connections`, the last one ever after."""

    def __init__(self, *connections: Callable[["Dashboard", web.WebSocketResponse], Any]) -> None:
        self._connections = list(connections)
        self.session, self.knows, self.state, self.exit_code = "session_1", True, "RUNNING", 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/jobs/big", self._job)
        app.router.add_get("/api/jobs/big/logs/tail", self._tail)
        return app

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({**VERSION, "session_name": self.session})

    async def _job(self, _: web.Request) -> web.Response:
        if not self.knows:
            return web.Response(status=404, text="Job big does not exist")
        ended = self.state != "RUNNING"
        job = {"type": "SUBMISSION", "submission_id": "big", "status": self.state, "entrypoint": "x", "metadata": {}}
        return web.json_response({**job, "driver_exit_code": self.exit_code if ended else None, "start_time": 1})

    async def _tail(self, request: web.Request) -> web.StreamResponse:
        if not self.knows:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        do = self._connections.pop(0) if len(self._connections) > 1 else self._connections[0]
        await do(self, socket)
        return socket


async def breaks_off(_: Dashboard, socket: web.WebSocketResponse) -> None:
    """Half of the log, then nothing more, not even a goodbye."""
    await socket.send_str(LOG[:25])
    assert socket._req is not None
    assert socket._req.transport is not None
    socket._req.transport.abort()


async def whole(board: Dashboard, socket: web.WebSocketResponse) -> None:
    """The log from its beginning to the job's end."""
    await socket.send_str(LOG[:40])
    await socket.send_str(LOG[40:])
    board.state = "SUCCEEDED" if board.exit_code == 0 else "FAILED"


async def is_restarted(board: Dashboard, socket: web.WebSocketResponse) -> None:
    """Half of the log, and another cluster at the same address."""
    board.session, board.knows = "session_2", False
    await breaks_off(board, socket)


@contextmanager
def served(board: Dashboard) -> Iterator[str]:
    """The dashboard's URL; it runs on a thread."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(board.app())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.05)


def followed(board: Dashboard) -> tuple[list[str], list[str], Any]:
    results: list[str] = []
    progress: list[str] = []
    log = Log(results.append, progress.append)
    with served(board) as url:
        job = follow(connect(url), "big", log)
    return results, progress, outcome(job, log)


def test_a_log_comes_back_as_results_progress_and_answer() -> None:
    expected = (["finished"], ["run big: 20 steps", "step 10/20", "step 20/20"], {"run": "big"})
    assert followed(Dashboard(whole)) == expected


def test_after_a_lost_connection_the_rest_of_the_log_comes_once() -> None:
    results, progress, answer = followed(Dashboard(breaks_off, breaks_off, whole))
    assert (results, answer) == (["finished"], {"run": "big"})
    notices = [line for line in progress if "lost" in line]
    assert len(notices) == 1
    assert "the job goes on there; trying again" in notices[0]
    assert [line for line in progress if line not in notices] == ["run big: 20 steps", "step 10/20", "step 20/20"]


def test_a_cluster_that_was_started_anew_has_forgotten_the_job() -> None:
    with pytest.raises(
        Failed, match="the cluster was started anew and has forgotten job big; the same command starts it again"
    ):
        followed(Dashboard(is_restarted))


def test_a_cluster_that_stays_away_is_given_up_but_not_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECONNECT_S", 0.2)
    with pytest.raises(Failed, match="job big may be going on: rayfill logs -f big --address http://127.0.0.1"):
        followed(Dashboard(breaks_off))


def test_the_exit_code_of_the_job_is_the_command_s() -> None:
    board = Dashboard(whole)
    board.exit_code = 2
    with pytest.raises(SystemExit) as caught:
        followed(board)
    assert caught.value.code == 2
