"""An ingest that is killed: nothing half made is seen as a dataset, and running it again does only what is left."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError

SPEC = IngestSpec(shard_mib=0.01, max_side=32)
PROGRAM = """
import sys
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
ingest(sys.argv[1], sys.argv[2], IngestSpec.model_validate_json(sys.argv[3]), run_inline)
"""


@pytest.fixture
def killed(tmp_path: Path, make_photographs: Callable[..., Path]) -> tuple[Path, Path]:
    """Source and place of an ingest whose process was killed on its way."""
    source, place = make_photographs(tmp_path / "photographs", 240), tmp_path / "dataset"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, source, place, SPEC.model_dump_json()])
    while process.poll() is None and len(list(place.glob("parts/0*.json"))) < 3:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the ingest was finished before it could be killed"
    return source, place


def test_only_unfinished_parts_are_packed_again_and_the_dataset_is_that_of_an_undisturbed_run(
    killed: tuple[Path, Path], tmp_path: Path
) -> None:
    source, place = killed
    part_manifests = len(list(place.glob("parts/0*.json")))
    packed: list[int] = []

    def counting(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        packed.extend(job.part.number for job in jobs)
        return map(pack, jobs)

    with pytest.raises(InputError, match="its ingest did not finish; run the same rayfill ingest again"):
        open_dataset(str(place))
    finished = ingest(str(source), str(place), SPEC, counting)
    undisturbed = ingest(str(source), str(tmp_path / "undisturbed"), SPEC, run_inline)
    assert part_manifests >= 3
    assert packed == list(range(part_manifests, part_manifests + len(packed)))
    assert finished.made
    assert finished.manifest == undisturbed.manifest


def test_a_half_made_dataset_is_finished_only_from_its_own_source(
    killed: tuple[Path, Path], tmp_path: Path, make_photographs: Callable[..., Path]
) -> None:
    source, place = killed
    with pytest.raises(InputError, match="holds a half-made dataset that was made with other options"):
        ingest(str(source), str(place), IngestSpec(quality=90), run_inline)
    (source / "000.jpg").write_bytes(b"new first file")
    with pytest.raises(InputError, match="its source has changed since this dataset was begun"):
        ingest(str(source), str(place), SPEC, run_inline)
