"""Services that start in a moment: a Python HTTP server each, which has a child process of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.cluster.services import control
from rayfill.cluster.services.control import take_down
from rayfill.cluster.services.service_folder import ServiceFolder

TOY = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
print("toy on", sys.argv[1], flush=True)
if sys.argv[2] == "broken":
    sys.exit("toy: no such option")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""

SUPERVISOR = """
import os, sys
from pathlib import Path
from rayfill.cluster.services import supervised, supervisor
from rayfill.cluster.services.service import Service, answers

supervisor.POLL_S = 0.1
supervised.FIRST_PAUSE_S = supervised.BELOW_S = 0.1


def toy(name, port, how):
    url = f"http://127.0.0.1:{{port}}"
    words = (sys.executable, "-c", {toy!r}, str(port), how)
    return Service(name, words, dict(os.environ), url, lambda: answers(url) is not None)


def assemble(folder, settings):
    how = "broken" if settings.asked.root.endswith("broken") else "well"
    return [toy("first", settings.ports["ray.gcs"], "well"), toy("second", settings.ports["mlflow"], how)]


supervisor.assemble = assemble
supervisor.main(sys.argv[1:])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceFolder]:
    """A folder whose services are two toys; what is up at the end is taken down."""
    script = tmp_path / "supervisor.py"
    script.write_text(SUPERVISOR.format(toy=TOY))
    monkeypatch.setattr(control, "SUPERVISOR", (str(script),))
    found = ServiceFolder(tmp_path / "up")
    yield found
    take_down(found)


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Wait until something holds; AssertionError after 30 s."""

    def wait(holds: Callable[[], object]) -> None:
        import time

        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    return wait
