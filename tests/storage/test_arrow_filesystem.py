"""A store behind Arrow's interface does what Ray Train asks of a file system, and waits for a store that is away."""

import pickle
from pathlib import Path

import pytest
from pyarrow.fs import FileSelector, FileType, LocalFileSystem, PyFileSystem, copy_files

from rayfill.storage.arrow_filesystem import as_arrow
from rayfill.storage.open_store import open_store
from tests.fault_proxy import FaultProxy, error


@pytest.fixture
def files(s3_url: str, s3_faults: FaultProxy) -> PyFileSystem:
    return as_arrow(open_store(s3_url))


def checkpoint(folder: Path) -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "state.json").write_bytes(b"{}")
    (folder / "model" / "weights").write_bytes(bytes(range(256)) * 5000)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_goes_there_and_comes_back(files: PyFileSystem, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "step")
    there = pickle.loads(pickle.dumps(files))  # noqa: S301
    assert there == files
    there.create_dir("runs/first/step")
    copy_files(str(source), "runs/first/step", source_filesystem=LocalFileSystem(), destination_filesystem=there)
    copy_files("runs/first/step", str(tmp_path / "back"), source_filesystem=files, destination_filesystem=LocalFileSystem())
    assert content(tmp_path / "back") == content(source)


def test_files_folders_and_what_is_not_there_are_told_apart(files: PyFileSystem, s3_url: str) -> None:
    store = open_store(s3_url)
    for key in ("runs/a/state", "runs/a/model/weights", "runs/a-b", "runs/b/x"):
        store.write(key, b"1234")
    kinds = {path: files.get_file_info(path).type for path in ("runs", "runs/a", "runs/a/state", "runs/c", "run", "runs/a-b")}
    assert kinds == {
        "runs": FileType.Directory,
        "runs/a": FileType.Directory,
        "runs/a/state": FileType.File,
        "runs/c": FileType.NotFound,
        "run": FileType.NotFound,
        "runs/a-b": FileType.File,
    }
    assert files.get_file_info("runs/a/state").size == 4

    def below(path: str, recursive: bool = False) -> dict[str, bool]:
        found = files.get_file_info(FileSelector(path, recursive=recursive, allow_not_found=True))
        return {info.path: info.type == FileType.Directory for info in found}

    assert below("runs") == {"runs/a": True, "runs/a-b": False, "runs/b": True}
    assert below("runs/a", recursive=True) == {"runs/a/model": True, "runs/a/model/weights": False, "runs/a/state": False}
    assert below("runs/c") == {}
    with pytest.raises(FileNotFoundError):
        files.get_file_info(FileSelector("runs/c"))
    with pytest.raises(FileNotFoundError, match=f"{s3_url}/runs/c"):
        files.open_input_stream("runs/c")


def test_arrow_filesystem_deletes_only_the_named_path(files: PyFileSystem, s3_url: str) -> None:
    store = open_store(s3_url)
    for key in ("runs/a/state", "runs/a/model/weights", "runs/a-b", "runs/c"):
        store.write(key, key.encode())
    files.delete_dir("runs/a")
    files.move("runs/c", "runs/d")
    assert [entry.key for entry in store.list()] == ["runs/a-b", "runs/d"]
    assert store.read("runs/d") == b"runs/c"


def test_a_write_waits_for_a_store_that_is_away(files: PyFileSystem, s3_faults: FaultProxy, s3_url: str) -> None:
    open_store(s3_url).write("here", b"")
    s3_faults.away(8)
    with files.open_output_stream("runs/a/snapshot.json") as file:
        file.write(b"{}")
    assert open_store(s3_url).read("runs/a/snapshot.json") == b"{}"
    s3_faults.fail(error(503, "SlowDown"), times=3)
    with files.open_input_stream("runs/a/snapshot.json") as file:
        assert file.read() == b"{}"
