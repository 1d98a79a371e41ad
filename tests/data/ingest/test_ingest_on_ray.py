"""Parts packed by Ray tasks."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rayfill.data.ingest.on_ray import run_on_ray
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError

SPEC = IngestSpec(shard_mib=0.01)


@pytest.mark.usefixtures("ray_cluster")
def test_ray_makes_the_dataset_that_one_process_makes(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    source = make_photographs(tmp_path / "photographs", 30)
    on_ray = ingest(str(source), str(tmp_path / "ray"), SPEC, run_on_ray)
    inline = ingest(str(source), str(tmp_path / "inline"), SPEC, run_inline)
    assert on_ray.manifest == inline.manifest


@pytest.mark.usefixtures("ray_cluster")
def test_ingest_on_ray_raises_a_tasks_error_as_the_serial_way_does(
    tmp_path: Path, make_photographs: Callable[..., Path]
) -> None:
    source = make_photographs(tmp_path / "photographs", 30)
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "shards").write_text("a file where a folder must be")
    with pytest.raises(FileExistsError):
        ingest(str(source), str(tmp_path / "dataset"), SPEC, run_on_ray)


@pytest.mark.usefixtures("ray_cluster")
def test_an_input_error_in_a_task_stays_one_sentence(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    source = make_photographs(tmp_path / "photographs", 30)

    def run_after_loss(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        (source / "007.jpg").unlink()
        return run_on_ray(pack, jobs)

    with pytest.raises(InputError, match=r"^file://\S+: '007\.jpg' was listed but cannot be found from this machine$"):
        ingest(str(source), str(tmp_path / "dataset"), SPEC, run_after_loss)


@pytest.mark.usefixtures("ray_cluster")
def test_ray_adopts_what_one_process_adopts(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    source = make_photographs(tmp_path / "photographs", 30)
    ingest(str(source), str(tmp_path / "theirs"), SPEC, run_inline)
    adopting = IngestSpec(adopt=True, val_share=0.4)
    on_ray = ingest(str(tmp_path / "theirs"), str(tmp_path / "ray"), adopting, run_on_ray)
    inline = ingest(str(tmp_path / "theirs"), str(tmp_path / "inline"), adopting, run_inline)
    assert on_ray.manifest == inline.manifest
    assert sum(on_ray.manifest.samples.values()) == 30
