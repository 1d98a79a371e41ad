"""Shard cache as node.yaml configures it: folder and limit, for every process of the node."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import doctor_checks as doctor
from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.cache import node_cache
from rayfill.spec import node
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError

Node = Callable[..., Path]


@pytest.fixture
def make_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """`make_node(name, text)`: from here on this is another machine, with this node.yaml; gives the file."""

    def made(name: str, text: str) -> Path:
        file = tmp_path / name / "node.yaml"
        file.parent.mkdir()
        file.write_text(text)
        monkeypatch.setattr(node, "NODE_FILES", (tmp_path / name / "the-user-has-none.yaml", file))
        return file

    return made


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_url: str) -> str:
    """URL of a dataset on S3."""
    ingest(str(make_photographs(tmp_path / "photographs", 6)), s3_url, IngestSpec(val_share=0), run_inline)
    return s3_url


def copies(place: Path) -> list[Path]:
    """Shards in the caches below `place`."""
    return list(place.glob("rayfill-cache-*/*.tar"))


def is_copied(dataset: Dataset, place: Path) -> None:
    """Read a sample, and wait for its shard in the caches below `place`; a test that hangs is ended from outside."""
    dataset.read("train", 0)
    while not copies(place):
        time.sleep(0.02)


def test_copies_lie_where_node_yaml_says_one_folder_a_user(make_node: Node, distant: str, tmp_path: Path) -> None:
    make_node("a", f"cache: {{folder: {tmp_path}/nvme, gib: 2}}")
    assert node_cache() == (tmp_path / "nvme" / f"rayfill-cache-{os.getuid()}", 2 * 2**30)
    is_copied(open_dataset(distant), tmp_path / "nvme")


def test_a_dataset_that_travels_uses_the_folder_of_the_node_that_it_comes_to(
    make_node: Node, distant: str, tmp_path: Path
) -> None:
    make_node("a", f"cache: {{folder: {tmp_path}/nvme}}")
    parcel = pickle.dumps(open_dataset(distant))
    make_node("b", f"cache: {{folder: {tmp_path}/hdd}}")
    is_copied(pickle.loads(parcel), tmp_path / "hdd")  # noqa: S301
    assert not (tmp_path / "nvme").exists()


def test_the_limit_of_node_yaml_is_kept(
    make_node: Node, distant: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_node("a", f"cache: {{folder: {tmp_path}/nvme, gib: 0.000001}}")
    assert open_dataset(distant).read("train", 0)[1]
    while not [record for record in caplog.records if f"{tmp_path}/nvme" in record.message]:
        time.sleep(0.02)
    assert not copies(tmp_path / "nvme"), "without room samples are read by themselves"


def test_a_wrong_node_yaml_is_a_sentence_before_anything_is_read(make_node: Node, distant: str) -> None:
    for text, sentence in {
        "cache:\n  gb: 3": ":2: cache.gb: unknown key",
        "cache:\n  gib: 0": ":2: cache.gib: input should be greater than 0, not 0",
        "cache:\n  folder: nvme": ":2: cache.folder: string should match pattern '^/', not 'nvme'",
    }.items():
        file = make_node(f"node-{len(sentence)}", text)
        with pytest.raises(InputError) as caught:
            open_dataset(distant)
        assert str(caught.value).startswith(f"{file}{sentence}")


def test_a_folder_that_cannot_be_made_is_a_sentence_and_doctor_says_it_too(
    make_node: Node, distant: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    make_node("a", f"cache: {{folder: {tmp_path}/file}}")
    sentence = r"/file/rayfill-cache-\d+: this cache folder cannot be made \(\w[\w ]+\); correct cache.folder in node.yaml"
    with pytest.raises(InputError, match=sentence):
        open_dataset(distant).read("train", 0)
    with pytest.raises(InputError, match=sentence):
        doctor.check_cache()


def test_doctor_says_where_copies_go(make_node: Node, tmp_path: Path) -> None:
    file = make_node("a", f"cache: {{folder: {tmp_path}/nvme, gib: 500}}")
    said = doctor.check_cache()
    assert said.startswith(f"{tmp_path}/nvme/rayfill-cache-")
    assert "at most 500 GiB" in said
    assert said.endswith(f"({file})")
