"""The Store interface, tested on a folder and on S3 over HTTP alike."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists, Entry, NotFound, Store


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(tmp_path / "store" if request.param == "file" else request.getfixturevalue("s3_url"))


def test_store_reads_objects_whole_and_in_ranges(store: Store) -> None:
    store.write("a/b.bin", b"0123456789")
    assert store.read("a/b.bin") == b"0123456789"
    assert store.read("a/b.bin", 3, 4) == b"3456"
    assert store.read("a/b.bin", 7) == b"789"
    assert store.read("a/b.bin", 8, 100) == b"89"
    assert store.read("a/b.bin", 20, 5) == b""
    assert store.read("a/b.bin", 0, 0) == b""


def test_a_write_replaces(store: Store) -> None:
    store.write("a", b"old")
    store.write("a", b"new")
    assert store.read("a") == b"new"


def test_of_many_conditional_writers_one_wins(store: Store) -> None:
    def attempt(number: int) -> bool:
        try:
            store.write("seat", str(number).encode(), if_absent=True)
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert won.count(True) == 1
    assert store.read("seat") == str(won.index(True)).encode()
    with pytest.raises(AlreadyExists, match=store.url_of("seat")):
        store.write("seat", b"", if_absent=True)


def test_store_raises_not_found_for_missing_objects(store: Store, tmp_path: Path) -> None:
    store.write("there/a", b"")
    for call in (lambda: store.read("no"), lambda: store.read("there"), lambda: store.download("no", tmp_path / "x")):
        with pytest.raises(NotFound, match=store.url):
            call()
    assert not store.exists("no")
    assert not store.exists("there")
    assert store.exists("there/a")
    store.delete("no")
    assert not (tmp_path / "x").exists()


def test_files_go_up_and_come_down(store: Store, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000  # 10 MB: S3 takes it in several parts
    (tmp_path / "up").write_bytes(data)
    store.upload("big/file", tmp_path / "up")
    store.download("big/file", tmp_path / "new" / "down")
    assert (tmp_path / "new" / "down").read_bytes() == data


def test_a_listing_is_in_the_order_of_the_keys(store: Store) -> None:
    keys = ["a.jpg", "a/1", "a/b/c", "a0", "b-1/x", "b/x", "b1"]
    for key in reversed(keys):
        store.write(key, key.encode())
    assert list(store.list()) == [Entry(key, len(key)) for key in sorted(keys)]
    assert [e.key for e in store.list("a/")] == ["a/1", "a/b/c"]
    assert [e.key for e in store.list("b")] == ["b-1/x", "b/x", "b1"]
    assert [e.key for e in store.list("a/b")] == ["a/b/c"]
    assert list(store.list("nothing/")) == []


def test_a_listing_goes_on_after_a_thousand_keys(s3_url: str) -> None:
    store = open_store(s3_url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.write(f"{n:05d}", b""), range(1005)))
    assert [e.key for e in store.list()] == [f"{n:05d}" for n in range(1005)]


def test_store_deletes_objects(store: Store) -> None:
    store.write("a", b"")
    store.delete("a")
    assert not store.exists("a")


def test_a_store_can_be_sent_to_another_process(store: Store) -> None:
    store.write("a", b"1")
    sent = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own object, as Ray sends it
    assert sent.read("a") == b"1"


def test_a_bucket_without_a_prefix_is_a_store(s3_url: str) -> None:
    bucket = s3_url.removesuffix("/some/prefix")
    open_store(s3_url).write("a", b"1")
    root = open_store(bucket + "/")
    assert [e.key for e in root.list()] == ["some/prefix/a"]
    assert root.read("some/prefix/a") == b"1"


def test_a_key_cannot_lead_out_of_a_folder(tmp_path: Path) -> None:
    for key in ("../x", "a/../../x", "/etc/hostname"):
        with pytest.raises(InputError, match="not an allowed key"):
            open_store(tmp_path / "store").read(key)


def test_an_unfinished_file_is_not_listed_and_a_failed_write_leaves_none(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    (tmp_path / ".rayfill-unfinished-1").write_bytes(b"half")
    store.write("a", b"1")
    with pytest.raises(AlreadyExists):
        store.write("a", b"2", if_absent=True)
    assert [e.key for e in store.list()] == ["a"]
    assert len(list(tmp_path.iterdir())) == 2


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_bytes(b"1")
    (tmp_path / "store" / "below").mkdir(parents=True)
    (tmp_path / "store" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "store" / "below" / "up").symlink_to(tmp_path / "store")
    assert [e.key for e in open_store(tmp_path / "store").list()] == ["link/x"]
