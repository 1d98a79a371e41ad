"""A sweep's study in a PostgreSQL that is started for these tests, and what keeps two machines from driving it at once."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.lock import sweep_lock
from rayfill.tuning.study.study import load_study, open_study, spec_of
from tests.postgres import INITDB, POSTGRES, postgres_server
from tests.tuning.pretend import begin, psnr

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(not (INITDB and POSTGRES), reason="no PostgreSQL on this machine; make test-postgres gets one")
PASSWORD = "sw0rdfish"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of an empty database."""
    with postgres_server(PASSWORD) as url:
        yield url


def spec_in(folder: Path, name: str) -> SweepSpec:
    """A sweep under a root of its own, as on another machine."""
    folder.mkdir()
    return begin(folder, name=name, budget={"trials": 6}).spec.model_copy(update={"root": f"file://{folder}/elsewhere"})


def drive(spec: SweepSpec, storage: str | None, trials: int) -> Proposals:
    """`trials` more by a new driver."""
    proposals = Proposals(open_study(spec, storage), Space(spec.searched, spec.bases), spec, measure=lambda *_: {}, gpus=0)
    for _ in range(trials):
        proposal = proposals.ask()
        assert proposal is not None
        for step in (100, 300, 900):
            proposals.report(proposal.number, step, step / 10, {"psnr": psnr(proposal.values, step)})
        proposals.tell(proposal.number, "complete")
    return proposals


def test_a_study_in_postgres_goes_on_as_one_in_sqlite_does(tmp_path: Path, server: str) -> None:
    spec, beside = spec_in(tmp_path / "a", "bases"), spec_in(tmp_path / "b", "bases")
    drive(spec, server, 3)
    drive(spec, server, 3)
    drive(beside, None, 6)
    ours, theirs = load_study(spec.root, "bases", server), load_study(beside.root, "bases")
    assert [t.params for t in ours.trials] == [t.params for t in theirs.trials]
    assert [t.values for t in ours.trials] == [t.values for t in theirs.trials]
    assert [t.intermediate_values for t in ours.trials] == [t.intermediate_values for t in theirs.trials]
    assert drive(spec, server, 0).ask() is None


def test_the_sweep_says_where_its_study_is_without_the_password(tmp_path: Path, server: str) -> None:
    spec = spec_in(tmp_path / "a", "where")
    study = open_study(spec, server)
    written = (tmp_path / "a" / "elsewhere" / "sweeps" / "where" / "sweep.json").read_text()
    assert PASSWORD not in written + str(study.user_attrs)
    address = server.rpartition("@")[2]
    assert spec_of(study).storage == f"postgresql://{address}"
    with pytest.raises(InputError, match=f"its study is elsewhere; it was begun with --storage postgresql://{address}"):
        open_study(spec)


def test_a_root_does_not_get_another_roots_sweep_of_the_same_name(tmp_path: Path, server: str) -> None:
    first, second = spec_in(tmp_path / "a", "shared"), spec_in(tmp_path / "b", "shared")
    open_study(first, server)
    with pytest.raises(InputError, match=f"the database has another sweep of that name, of file://{tmp_path}/a/elsewhere"):
        open_study(second, server)


DRIVER = """
import sys
from pathlib import Path
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.study.lock import sweep_lock
with sweep_lock(SweepSpec.model_validate_json(Path(sys.argv[1]).read_text()), sys.argv[2]):
    print("driving", flush=True)
    sys.stdin.read()
"""


def test_a_second_machine_is_refused_until_the_first_ones_driver_is_gone(tmp_path: Path, server: str) -> None:
    first, second = spec_in(tmp_path / "a", "guarded"), spec_in(tmp_path / "b", "guarded")
    (tmp_path / "spec.json").write_text(first.model_dump_json())
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "spec.json"), server]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "driving\n"
        with (
            pytest.raises(InputError, match="being driven right now, through the same database on another machine"),
            sweep_lock(second, server),
        ):
            pass
        with sweep_lock(spec_in(tmp_path / "c", "another"), server):
            pass
        process.kill()
    end = time.monotonic() + 20
    while True:
        try:
            with sweep_lock(second, server):
                return
        except InputError:
            assert time.monotonic() < end, "the lock of a killed driver is still held"
            time.sleep(0.1)


def test_a_database_that_does_not_answer_is_told_without_the_password(tmp_path: Path, server: str) -> None:
    spec = spec_in(tmp_path / "a", "nobody")
    wrong = server.replace(PASSWORD, "wrong" + PASSWORD)
    for act in (lambda: sweep_lock(spec, wrong).__enter__(), lambda: open_study(spec, wrong)):
        with pytest.raises(
            Failed, match=r"--storage postgresql://127.0.0.1:\d+/postgres: the database does not answer"
        ) as told:
            act()
        assert PASSWORD not in str(told.value)
