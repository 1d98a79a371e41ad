"""Sources of photographs: folder, tar and bucket, and refusals."""

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.data.ingest.sources import open_source
from rayfill.spec.errors import InputError
from rayfill.storage.open_store import open_store

FILES = {"a.jpg": b"one", "b/c.png": b"two", "b/d/e.txt": b"three"}
HIDDEN = {".thumbnails/x.jpg": b"no", "b/.DS_Store": b"no"}


def in_folder(place: Path, _: str) -> str:
    for name, data in (FILES | HIDDEN).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return str(place)


def in_tar(place: Path, _: str) -> str:
    with tarfile.open(place, "w") as tar:
        for name, data in (FILES | HIDDEN).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(place)


def in_bucket(_: Path, url: str) -> str:
    for name, data in (FILES | HIDDEN | {"b/": b""}).items():
        open_store(url).write(name, data)
    return url


@pytest.mark.parametrize("make", [in_folder, in_tar, in_bucket])
def test_a_folder_a_tar_and_a_prefix_give_the_same_files(make: Callable[[Path, str], str], tmp_path: Path, s3_url: str) -> None:
    source = pickle.loads(pickle.dumps(open_source(make(tmp_path / "source", s3_url))))  # noqa: S301 - as Ray sends it
    found = list(source.files())
    assert [f.path for f in found] == list(FILES)
    assert [f.size for f in found] == [3, 3, 5]
    assert [source.read(f) for f in found] == list(FILES.values())


def test_a_place_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder; a source is a folder, a tar file or an s3:// prefix"):
        open_source(str(tmp_path / "nowhere"))


def test_a_file_that_is_no_tar(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8 not a tar" * 100)
    with pytest.raises(InputError, match=r"photo\.jpg: not an uncompressed tar file"):
        open_source(str(tmp_path / "photo.jpg"))


def test_a_compressed_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz"):
        pass
    with pytest.raises(InputError, match=r"photos\.tar\.gz: not an uncompressed tar file"):
        open_source(str(tmp_path / "photos.tar.gz"))


def test_a_tar_that_was_cut_short(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "big.tar", "w") as tar:
        for name in ("a.jpg", "b.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 100_000
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    data = (tmp_path / "big.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(data[:150_000])
    with pytest.raises(InputError, match=r"cut\.tar: the tar file is damaged or cut short"):
        list(open_source(str(tmp_path / "cut.tar")).files())


def test_a_file_that_went_away_stops_the_ingest_instead_of_being_skipped(tmp_path: Path) -> None:
    source = open_source(in_folder(tmp_path / "source", ""))
    first = next(iter(source.files()))
    (tmp_path / "source" / first.path).unlink()
    with pytest.raises(InputError, match=r"'a\.jpg' was listed but cannot be found from this machine"):
        source.read(first)
