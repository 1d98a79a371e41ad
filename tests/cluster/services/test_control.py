"""Services are started, found again, kept running, and ended, and no other process with them."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest

from rayfill.cluster.services.control import bring_up, take_down
from rayfill.cluster.services.process_mark import ProcessMark
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Asked, read_settings
from rayfill.cluster.services.state import ServiceState, State, read_state, write_state
from rayfill.spec.errors import Failed, InputError

WELL = Asked("file:///tmp/root", None, None)
Wait = Callable[[Callable[[], object]], None]


def state_of(folder: ServiceFolder) -> State:
    state = read_state(folder)
    assert state is not None
    return state


def pid_of(folder: ServiceFolder, name: str) -> int:
    process = state_of(folder).services[name].process
    return process.pid if process else 0


def test_up_starts_services_once_and_down_ends_all_their_processes(folder: ServiceFolder, wait_for: Wait) -> None:
    state = bring_up(folder, WELL)
    assert {name: one.phase for name, one in state.services.items()} == {"first": "running", "second": "running"}
    assert bring_up(folder, WELL).supervisor == state.supervisor, "they are found, not started again"
    wait_for(lambda: all(one.below for one in state_of(folder).services.values()))
    marks = [state.supervisor, *state_of(folder).marks]
    processes = [psutil.Process(mark.pid) for mark in marks]
    assert len(processes) == 5
    listening = {c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}

    assert take_down(folder) == ["first", "second"]
    assert not any(mark.alive for mark in marks)
    assert not folder.state.exists()
    assert take_down(folder) == []
    assert "toy on" in folder.log("first").read_text(), "logs stay"


def test_a_crashed_service_is_started_again_where_it_was_and_its_children_are_ended(
    folder: ServiceFolder, wait_for: Wait
) -> None:
    bring_up(folder, WELL)
    wait_for(lambda: state_of(folder).services["second"].below)
    before = state_of(folder).services
    crashed, other = before["second"].process, before["first"].process
    assert crashed is not None
    os.kill(crashed.pid, signal.SIGKILL)
    wait_for(lambda: state_of(folder).services["second"].restarts == 1)
    wait_for(lambda: state_of(folder).services["second"].phase == "running")
    after = state_of(folder).services
    assert after["second"].process != crashed
    assert after["second"].url == before["second"].url
    assert after["second"].reason.startswith("killed by signal 9")
    assert after["first"].process == other
    assert not any(mark.alive for mark in before["second"].below)


def test_services_outlive_a_killed_supervisor_and_the_next_one_adopts_them(folder: ServiceFolder, wait_for: Wait) -> None:
    first = bring_up(folder, WELL)
    os.kill(first.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: not first.supervisor.alive)
    assert all(one.process and one.process.alive for one in state_of(folder).services.values())
    second = bring_up(folder, WELL)
    assert second.supervisor != first.supervisor
    assert second.supervisor.alive
    assert {n: s.process for n, s in second.services.items()} == {n: s.process for n, s in first.services.items()}
    os.kill(pid_of(folder, "first"), signal.SIGKILL)
    wait_for(lambda: state_of(folder).services["first"].restarts == 1)
    wait_for(lambda: state_of(folder).services["first"].phase == "running")


def test_down_ends_services_whose_supervisor_was_killed(folder: ServiceFolder, wait_for: Wait) -> None:
    state = bring_up(folder, WELL)
    wait_for(lambda: all(one.below for one in state_of(folder).services.values()))
    marks = state_of(folder).marks
    os.kill(state.supervisor.pid, signal.SIGKILL)
    take_down(folder)
    assert len(marks) == 4
    assert not any(mark.alive for mark in marks)


def test_down_spares_a_process_that_got_the_pid_of_a_service(folder: ServiceFolder) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        folder.prepare()
        mark = ProcessMark(innocent.pid, "1")  # of another start time
        write_state(folder, State(mark, {"first": ServiceState("http://127.0.0.1:1", "running", mark, [mark])}))
        take_down(folder)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_state_of_an_earlier_boot_is_no_state(folder: ServiceFolder) -> None:
    folder.prepare()
    write_state(folder, State(ProcessMark(1, "1"), {}))
    content = json.loads(folder.state.read_text())
    folder.state.write_text(json.dumps(content | {"boot": "another"}))
    assert read_state(folder) is None


def test_a_service_that_does_not_start_fails_with_its_last_lines_and_leaves_nothing(folder: ServiceFolder) -> None:
    with pytest.raises(Failed, match="(?s)second ended 3 times.*exit code 1.*toy: no such option"):
        bring_up(folder, Asked("file:///tmp/broken", None, None))
    assert not folder.state.exists()
    ours = [p for p in psutil.process_iter(["cmdline"]) if str(folder.path) in " ".join(p.info["cmdline"] or [])]
    assert ours == []


def test_other_settings_are_refused_while_services_are_up(folder: ServiceFolder) -> None:
    bring_up(folder, WELL)
    with pytest.raises(InputError, match="other settings; rayfill down"):
        bring_up(folder, Asked(WELL.root, 1, None))


def test_ports_last_and_secrets_are_the_owners_alone(folder: ServiceFolder) -> None:
    bring_up(folder, WELL)
    settings, token = read_settings(folder), folder.token.read_text()
    assert settings is not None
    take_down(folder)
    bring_up(folder, WELL)
    again = read_settings(folder)
    assert again is not None
    assert again.ports == settings.ports
    assert folder.token.read_text() == token
    assert len(token) == 64
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.token, folder.environment, folder.state)} == {0o600}
